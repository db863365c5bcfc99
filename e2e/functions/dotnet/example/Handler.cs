// Does what its event says: answers with all that it knows, logs, or fails in one of many ways.
using System;
using System.Collections;
using System.Linq;
using System.Runtime.Serialization;
using System.Threading;
using System.Threading.Tasks;
using Amazon.Lambda.Core;

[assembly: LambdaSerializer(typeof(Example.ContractSerializer))]

namespace Example {
  [DataContract]
  public class Request {
    [DataMember] public string Text;
    [DataMember] public string Log;
    [DataMember] public bool Fail;
    [DataMember] public bool Hang;
    [DataMember] public int Exit;
    [DataMember] public bool Several;
  }

  [DataContract]
  public class Answer {
    [DataMember] public int Count;
    [DataMember] public string Text;
    [DataMember] public string Id;
    [DataMember] public string Name;
    [DataMember] public string Version;
    [DataMember] public string Arn;
    [DataMember] public string Group;
    [DataMember] public string Stream;
    [DataMember] public int Memory;
    [DataMember] public double LeftMs;
    [DataMember] public string Custom;
    [DataMember] public string Title;
    [DataMember] public string Identity;
    [DataMember] public string Trace;
    [DataMember] public string Serializer;
    [DataMember] public string Directory;
    [DataMember] public string[] Environment;
    [DataMember] public bool IsMono;
  }

  public class NoGood : Exception {
    public NoGood(string message, Exception cause) : base(message, cause) {
    }
  }

  public class Handler {
    private int count;

    public async Task<Answer> Handle(Request request, ILambdaContext context) {
      count += 1;
      if (request.Log != null) Speak(request.Log, context);
      if (request.Exit > 0) System.Environment.Exit(request.Exit);
      if (request.Hang) Thread.Sleep(60000);
      await Task.Delay(1);
      if (request.Fail) Fail();
      if (request.Several) {
        throw new AggregateException(new NoGood("one", null), new FormatException("two"));
      }
      return Describe(request, context);
    }

    private static void Fail() {
      throw new NoGood("no good", new InvalidOperationException("deeper"));
    }

    private static void Speak(string text, ILambdaContext context) {
      Console.WriteLine(text);
      Console.WriteLine("{0} twice", text);
      Console.Write("as it is: " + text + "\n");
      Console.Error.WriteLine(text);
      LambdaLogger.Log(text + " statically");
      context.Logger.LogLine(text + " by its logger");
      context.Logger.LogDebug("nobody sees this");
      context.Logger.Log(LogLevel.Critical, text);
      context.Logger.LogWarning("{what} of {limit:F1}", text, 2);
      context.Logger.LogError(new FormatException("odd"), "it failed");
    }

    private Answer Describe(Request request, ILambdaContext context) {
      IClientContext client = context.ClientContext;
      return new Answer {
        Count = count,
        Text = request.Text,
        Id = context.AwsRequestId,
        Name = context.FunctionName,
        Version = context.FunctionVersion,
        Arn = context.InvokedFunctionArn,
        Group = context.LogGroupName,
        Stream = context.LogStreamName,
        Memory = context.MemoryLimitInMB,
        LeftMs = context.RemainingTime.TotalMilliseconds,
        Custom = client.Custom == null ? null : client.Custom["a"],
        Title = client.Client == null ? null : client.Client.AppTitle,
        Identity = context.Identity.IdentityId,
        Trace = context.TraceId,
        Serializer = context.Serializer.GetType().Name,
        Directory = System.IO.Directory.GetCurrentDirectory(),
        Environment = System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
          .Select(one => one.Key + "=" + one.Value).ToArray(),
        IsMono = Type.GetType("Mono.Runtime") != null,
      };
    }
  }
}
