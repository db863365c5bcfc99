// A function's life, played before there is a function. While the image is built, as its scheduler,
// so that the JVM can archive the classes that every function needs: a stem is specialised with the
// function below, answers events, fails one, and ends. And in every stem, while it has the time.
package hearth.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

public final class Rehearsal implements RequestHandler<Rehearsal.Part, Rehearsal.Part> {
  /** An event with something of everything. */
  public static final class Part {
    private String name;
    private List<Map<String, Double>> numbers;

    public String getName() {
      return name;
    }

    public void setName(String name) {
      this.name = name;
    }

    public List<Map<String, Double>> getNumbers() {
      return numbers;
    }

    public void setNumbers(List<Map<String, Double>> numbers) {
      this.numbers = numbers;
    }
  }

  private static final String SOCKET = "/tmp/rehearsal.sock";
  private static final String EVENT = "{\"name\":\"x\",\"numbers\":[{\"a\":1.5}],\"other\":true}";

  @Override
  public Part handleRequest(Part part, Context context) {
    if (context.getRemainingTimeInMillis() > 0) context.getLogger();
    if (part.getName() == null) throw new IllegalStateException("rehearsed");
    if (part.getName().equals("end")) System.exit(0);
    return part;
  }

  public static void main(String[] arguments) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(SOCKET));
    try (SocketChannel stage = server.accept()) {
      hear(stage);
      say(stage, "{\"environment\":{\"_HANDLER\":\"" + Rehearsal.class.getName() + "\"}}");
      hear(stage);
      for (String event : List.of(EVENT, EVENT, "{}")) {
        say(stage, event);
        // The answer and the request for the next event are one write.
        hear(stage);
        say(stage, "{}");
      }
      say(stage, "{\"name\":\"end\"}");
    }
  }

  /** What a stem does before it waits: after it, the machine has all at hand that a call needs. */
  static void warmUp() throws IOException {
    FunctionClassLoader loader = FunctionClassLoader.ofEnvironment();
    FunctionCode code = HandlerFinder.find(Rehearsal.class.getName(), loader);
    RuntimeClient.Invocation invocation =
        new RuntimeClient.Invocation(Map.of(), EVENT.getBytes(StandardCharsets.UTF_8));
    try {
      code.call(invocation.body(), new FunctionContext(invocation));
    } catch (Throwable thrown) {
      throw new IllegalStateException(thrown);
    }
    loader.close();
  }

  /** Requests are short and come in one piece here. */
  private static void hear(SocketChannel stage) throws IOException {
    stage.read(ByteBuffer.allocate(64 * 1024));
  }

  private static void say(SocketChannel stage, String body) throws IOException {
    String head =
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: rehearsal\r\nContent-Length: ";
    String answer = head + body.length() + "\r\n\r\n" + body;
    stage.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)));
  }
}
