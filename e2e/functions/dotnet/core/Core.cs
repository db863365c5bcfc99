// The names and shapes of AWS's package Amazon.Lambda.Core as far as functions see them, so that
// tests need not carry it: an assembly of the same name is compiled from this.
using System;
using System.Collections.Generic;
using System.IO;

[assembly: System.Reflection.AssemblyVersion("1.0.0.0")]

namespace Amazon.Lambda.Core {
  public interface ILambdaContext {
    string AwsRequestId { get; }
    IClientContext ClientContext { get; }
    string FunctionName { get; }
    string FunctionVersion { get; }
    ICognitoIdentity Identity { get; }
    string InvokedFunctionArn { get; }
    ILambdaLogger Logger { get; }
    string LogGroupName { get; }
    string LogStreamName { get; }
    int MemoryLimitInMB { get; }
    TimeSpan RemainingTime { get; }
    string TraceId { get; }
    ILambdaSerializer Serializer { get; }
  }

  public interface IClientContext {
    IDictionary<string, string> Environment { get; }
    IClientApplication Client { get; }
    IDictionary<string, string> Custom { get; }
  }

  public interface IClientApplication {
    string AppPackageName { get; }
    string AppTitle { get; }
    string AppVersionCode { get; }
    string AppVersionName { get; }
    string InstallationId { get; }
  }

  public interface ICognitoIdentity {
    string IdentityId { get; }
    string IdentityPoolId { get; }
  }

  public enum LogLevel { Trace, Debug, Information, Warning, Error, Critical }

  public interface ILambdaLogger {
    void Log(string message);
    void LogLine(string message);
    void Log(LogLevel level, string message);
    void LogDebug(string message);
    void LogWarning(string message, params object[] args);
    void LogError(Exception exception, string message, params object[] args);
  }

  public interface ILambdaSerializer {
    T Deserialize<T>(Stream requestStream);
    void Serialize<T>(T response, Stream responseStream);
  }

  [AttributeUsage(AttributeTargets.Method | AttributeTargets.Assembly)]
  public sealed class LambdaSerializerAttribute : Attribute {
    public LambdaSerializerAttribute(Type serializerType) {
      SerializerType = serializerType;
    }

    public Type SerializerType { get; set; }
  }

  public static class LambdaLogger {
    private static Action<string> _loggingAction = Console.WriteLine;

    public static void Log(string message) {
      _loggingAction(message);
    }
  }
}
