// The life of a Java runtime process: as a stem it first waits to be told which function it is;
// then it loads the handler once, waits as a snapshot if it is to be one, and takes invocations one
// by one until the sandbox ends.
package hearth.runtime;

import java.io.IOError;
import java.io.IOException;

public final class Bootstrap {
  /** The X-Ray SDK and AWS's SDK read the trace header here. */
  private static final String TRACE_PROPERTY = "com.amazonaws.xray.traceHeader";

  private Bootstrap() {}

  /**
   * `arguments`: nothing; or a cache, whose places the machine was started with; and then a file to
   * make where the cache is to be filled.
   */
  public static void main(String[] arguments) throws Exception {
    String socket = System.getenv("HEARTH_RUNTIME_SOCKET");
    RuntimeClient client =
        new RuntimeClient(socket != null ? socket : System.getenv("AWS_LAMBDA_RUNTIME_API"));
    Output.setUp();
    if (System.getenv("HEARTH_STEM") != null) {
      Rehearsal.warmUp();
      StemLife.become(client.specialisation());
    }
    FunctionLogger.setUp();
    Snapshot.setUp();
    FunctionCode code =
        load(client, arguments.length > 0 ? CachePlaces.open(arguments[0]) : null);
    if (arguments.length > 1) Snapshot.fill(client, arguments[1]);
    Snapshot.take(client);
    RuntimeClient.Invocation invocation = client.next();
    while (true) {
      invocation = serve(client, code, invocation);
    }
  }

  private static FunctionCode load(RuntimeClient client, ClassLoader opened)
      throws IOException {
    try {
      ClassLoader loader = opened != null ? opened : FunctionClassLoader.ofEnvironment();
      Thread.currentThread().setContextClassLoader(loader);
      return HandlerFinder.find(System.getenv().getOrDefault("_HANDLER", ""), loader);
    } catch (FunctionFault fault) {
      FunctionLogger.failure(fault.reportable());
      client.lastWord("/init/error", fault.toJson(), "Runtime.BadFunctionCode");
      Runtime.getRuntime().halt(1);
      throw fault;
    }
  }

  /** One invocation. @return the next one. */
  private static RuntimeClient.Invocation serve(
      RuntimeClient client, FunctionCode code, RuntimeClient.Invocation invocation)
      throws IOException {
    String requestId = invocation.header("lambda-runtime-aws-request-id");
    String trace = invocation.header("lambda-runtime-trace-id");
    if (trace == null) System.clearProperty(TRACE_PROPERTY);
    else System.setProperty(TRACE_PROPERTY, trace);
    FunctionContext context = new FunctionContext(invocation);
    FunctionLogger.setContext(context);
    byte[] answer;
    try {
      answer = code.call(invocation.body(), context);
    } catch (Throwable thrown) {
      return fail(client, requestId, thrown);
    }
    // An interruption that a function left behind ends with its invocation.
    Thread.interrupted();
    Output.markEnd(requestId);
    return client.respondAndNext(requestId, answer);
  }

  private static RuntimeClient.Invocation fail(
      RuntimeClient client, String requestId, Throwable thrown) throws IOException {
    FunctionFault fault = FunctionFault.of(thrown);
    boolean isOver =
        thrown instanceof VirtualMachineError || thrown instanceof IOError || fault.isFatal();
    byte[] body = thrown == fault ? fault.toJson() : FunctionFault.describe(thrown);
    String kind = thrown == fault ? "Runtime.BadFunctionCode" : "Runtime.UserException";
    FunctionLogger.failure(fault.reportable());
    Output.markEnd(requestId);
    if (!isOver) return client.failAndNext(requestId, body, kind);
    client.lastWord("/invocation/" + requestId + "/error", body, kind);
    Runtime.getRuntime().halt(1);
    return null;
  }
}
