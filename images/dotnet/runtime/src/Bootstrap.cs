// The life of a .NET runtime process: as a stem it first waits to be told which function it is;
// then it loads the handler once and takes invocations one by one until the sandbox ends.
using System;

namespace Hearth.Runtime {
  public static class Bootstrap {
    private const string TraceVariable = "_X_AMZN_TRACE_ID";

    public static void Main() {
      string socket = Environment.GetEnvironmentVariable("HEARTH_RUNTIME_SOCKET");
      var client = new RuntimeClient(
        socket ?? Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API"));
      Output.SetUp();
      if (Environment.GetEnvironmentVariable("HEARTH_STEM") == "1") {
        StemLife.Become(client.Specialisation());
      }
      FunctionLogger.SetUp();
      FunctionCode code = Load(client);
      Invocation invocation = client.Next();
      while (true) invocation = Serve(client, code, invocation);
    }

    private static FunctionCode Load(RuntimeClient client) {
      try {
        return FunctionFinder.Find(Environment.GetEnvironmentVariable("_HANDLER"));
      } catch (Exception thrown) {
        FunctionLogger.Failure(thrown);
        client.LastWord(
          "/init/error", FunctionFault.Report(thrown), FunctionFault.TypeOf(thrown));
        Native.Exit(1);
        throw;
      }
    }

    /// <summary>One invocation.</summary>
    /// <returns>The next one.</returns>
    private static Invocation Serve(
      RuntimeClient client, FunctionCode code, Invocation invocation) {
      string requestId = invocation.Header("lambda-runtime-aws-request-id");
      Environment.SetEnvironmentVariable(
        TraceVariable, invocation.Header("lambda-runtime-trace-id"));
      FunctionLogger.SetInvocation(invocation);
      ArraySegment<byte> answer;
      try {
        answer = code.Invoke(invocation);
      } catch (Exception thrown) {
        FunctionLogger.Failure(thrown);
        Output.MarkEnd(requestId);
        return client.FailAndNext(
          requestId, FunctionFault.Report(thrown), FunctionFault.TypeOf(thrown));
      }
      Output.MarkEnd(requestId);
      return client.RespondAndNext(requestId, answer);
    }
  }
}
