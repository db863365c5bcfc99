// A function that was found and can be called: bytes in, bytes out. Handlers of every kind are made
// into this one.
package hearth.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;

interface FunctionCode {
  byte[] call(byte[] event, Context context) throws Throwable;

  /** A method that takes the event as an object, if it takes one at all. */
  interface ObjectCall {
    Object call(Object event, Context context) throws Throwable;
  }

  static FunctionCode faulty(FunctionFault fault) {
    return (event, context) -> {
      throw fault;
    };
  }

  static FunctionCode ofStreams(RequestStreamHandler handler) {
    return (event, context) -> {
      ByteArrayOutputStream output = new ByteArrayOutputStream(1024);
      handler.handleRequest(new ByteArrayInputStream(event), output, context);
      return output.toByteArray();
    };
  }

  /** `input` is null where the method takes no event; `output` is null where it answers nothing. */
  static FunctionCode ofObjects(ObjectCall handler, Type input, Type output) {
    return (event, context) -> {
      Object argument = input == null ? null : parse(event, input);
      Object answer;
      try {
        answer = handler.call(argument, context);
      } catch (InvocationTargetException wrapped) {
        throw wrapped.getCause() == null ? wrapped : wrapped.getCause();
      }
      return serialise(output == null ? null : answer);
    };
  }

  private static Object parse(byte[] event, Type type) {
    try {
      return JsonBinder.bind(Json.read(event), type);
    } catch (RuntimeException cause) {
      throw new RuntimeException("An error occurred during JSON parsing", cause);
    }
  }

  private static byte[] serialise(Object answer) {
    try {
      return Json.write(answer).getBytes(StandardCharsets.UTF_8);
    } catch (RuntimeException | StackOverflowError cause) {
      throw new RuntimeException(
          "An error occurred during JSON serialization of response", cause);
    }
  }
}
