// Finds the function's handler, `package.Class` or `package.Class::method`, by AWS's rules for
// which overload counts. A class that is not there is the invocation's failure; one that cannot be
// initialised or made ends the init.
package hearth.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

final class HandlerFinder {
  private static final byte[] NULL = "null".getBytes(StandardCharsets.UTF_8);
  /** AWS counts a Context at the end twice, so that a longer method is the better one. */
  private static final Comparator<Method> PREFERENCE =
      Comparator.comparing(Method::isBridge)
          .thenComparing(
              method -> -(method.getParameterCount() + (endsWithContext(method) ? 1 : 0)));

  private HandlerFinder() {}

  /** @throws FunctionFault when the init has failed. */
  static FunctionCode find(String handler, ClassLoader loader) {
    int colons = handler.lastIndexOf("::");
    String className = colons < 0 ? handler : handler.substring(0, colons);
    String methodName = colons < 0 ? null : handler.substring(colons + 2);
    if (className.isEmpty() || "".equals(methodName)) {
      return FunctionCode.faulty(FunctionFault.because("Invalid handler: `" + handler + "'"));
    }
    Class<?> type;
    try {
      type = Class.forName(className, true, loader);
    } catch (ClassNotFoundException thrown) {
      return FunctionCode.faulty(FunctionFault.classNotFound(thrown, className));
    } catch (Throwable thrown) {
      String why = thrown.getMessage() == null ? "" : ": " + thrown.getMessage();
      throw FunctionFault.fatal("Error loading class " + className + why, thrown);
    }
    try {
      return methodName == null ? ofInterface(type) : ofMethod(type, methodName);
    } catch (FunctionFault fault) {
      if (fault.isFatal()) throw fault;
      return FunctionCode.faulty(fault);
    } catch (Throwable thrown) {
      return FunctionCode.faulty(FunctionFault.of(thrown));
    }
  }

  @SuppressWarnings("unchecked")
  private static FunctionCode ofInterface(Class<?> type) throws Exception {
    if (RequestStreamHandler.class.isAssignableFrom(type)) {
      return FunctionCode.ofStreams((RequestStreamHandler) make(type));
    }
    if (!RequestHandler.class.isAssignableFrom(type)) {
      throw FunctionFault.because(
          "Class does not implement an appropriate handler interface: " + type.getName());
    }
    List<Type> types = GenericTypes.argumentsOf(type, RequestHandler.class);
    if (types == null) {
      throw FunctionFault.because(
          "Class " + type.getName()
              + " does not implement RequestHandler with concrete type parameters");
    }
    RequestHandler<Object, Object> handler = (RequestHandler<Object, Object>) make(type);
    return FunctionCode.ofObjects(handler::handleRequest, types.get(0), unlessVoid(types.get(1)));
  }

  private static FunctionCode ofMethod(Class<?> type, String name) throws Exception {
    List<Method> candidates =
        Arrays.stream(type.getMethods())
            .filter(method -> method.getName().equals(name))
            .sorted(PREFERENCE)
            .toList();
    for (Method method : candidates) {
      String form = formOf(method);
      boolean takesObject = form.matches("O?C?");
      if (!takesObject && !form.matches("(I?S?|IC|SC|ISC)")) {
        System.err.println("Ignoring an overload of " + name + " with other parameters than AWS's");
        continue;
      }
      method.setAccessible(true);
      Object target = Modifier.isStatic(method.getModifiers()) ? null : make(type);
      return takesObject ? ofObjects(method, target, form) : ofStreams(method, target, form);
    }
    throw FunctionFault.because(
        "No public method named " + name + " with appropriate method signature found on class "
            + type.getName());
  }

  /** A letter a parameter: InputStream, output Stream, Context, or any other Object. */
  private static String formOf(Method method) {
    StringBuilder form = new StringBuilder();
    for (Class<?> type : method.getParameterTypes()) {
      if (type == InputStream.class) form.append('I');
      else if (type == OutputStream.class) form.append('S');
      else form.append(type == Context.class ? 'C' : 'O');
    }
    return form.toString();
  }

  private static FunctionCode ofObjects(Method method, Object target, String form) {
    Class<?> owner = target == null ? method.getDeclaringClass() : target.getClass();
    Type input =
        form.startsWith("O")
            ? GenericTypes.resolve(method.getGenericParameterTypes()[0], owner)
            : null;
    FunctionCode.ObjectCall call =
        switch (form) {
          case "" -> (event, context) -> method.invoke(target);
          case "O" -> (event, context) -> method.invoke(target, event);
          case "C" -> (event, context) -> method.invoke(target, context);
          default -> (event, context) -> method.invoke(target, event, context);
        };
    return FunctionCode.ofObjects(call, input, unlessVoid(method.getGenericReturnType()));
  }

  private static FunctionCode ofStreams(Method method, Object target, String form) {
    return FunctionCode.ofStreams(
        (input, output, context) -> {
          Object[] given = new Object[form.length()];
          for (int at = 0; at < given.length; at += 1) {
            char letter = form.charAt(at);
            given[at] = letter == 'I' ? input : letter == 'S' ? output : context;
          }
          call(method, target, given);
          if (form.indexOf('S') < 0) output.write(NULL);
        });
  }

  private static void call(Method method, Object target, Object[] given) throws IOException {
    try {
      method.invoke(target, given);
    } catch (InvocationTargetException wrapped) {
      throw Thrower.<RuntimeException>any(wrapped.getCause());
    } catch (IllegalAccessException cause) {
      throw FunctionFault.of(cause);
    }
  }

  private static Object make(Class<?> type) throws Exception {
    try {
      return type.getConstructor().newInstance();
    } catch (NoSuchMethodException cause) {
      if (type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers())) {
        throw new Exception(
            "Class " + type.getName()
                + " cannot be instantiated because it is a non-static inner class");
      }
      throw new Exception(
          "Class " + type.getName() + " has no public zero-argument constructor", cause);
    } catch (InvocationTargetException wrapped) {
      throw FunctionFault.fatal(wrapped.getCause() == null ? wrapped : wrapped.getCause());
    }
  }

  private static Type unlessVoid(Type type) {
    return type == void.class || type == Void.class ? null : type;
  }

  private static boolean endsWithContext(Method method) {
    Class<?>[] types = method.getParameterTypes();
    return types.length > 0 && types[types.length - 1] == Context.class;
  }

  /** Throws what a method threw, checked or not, through an interface that declares less. */
  private static final class Thrower {
    @SuppressWarnings("unchecked")
    static <T extends Throwable> T any(Throwable thrown) throws T {
      throw (T) thrown;
    }
  }
}
