// The context that a handler receives: the function's own ILambdaContext, with names and shapes as
// AWS documents them.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Hearth.Runtime {
  internal static class FunctionContext {
    private static readonly DateTime Epoch = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    /// <summary>Members that newer packages have, with bodies that only say "nothing".</summary>
    private static readonly string[] Newer = { "get_TenantId", "get_TraceId", "get_Serializer" };

    internal static object Make(Type contract, Invocation invocation, object serializer) {
      var parts = new Dictionary<string, object>();
      return InterfaceMaker.Make(contract, Newer.Contains, (member, _) => {
        object answer;
        if (!parts.TryGetValue(member, out answer)) {
          answer = Answer(contract, member, invocation, serializer);
          // Time passes; all else is made once.
          if (member != "get_RemainingTime") parts[member] = answer;
        }
        return answer;
      });
    }

    private static object Answer(
      Type contract, string member, Invocation invocation, object serializer) {
      switch (member) {
        case "get_AwsRequestId":
          return invocation.Header("lambda-runtime-aws-request-id");
        case "get_InvokedFunctionArn":
          return invocation.Header("lambda-runtime-invoked-function-arn");
        case "get_TenantId":
          return invocation.Header("lambda-runtime-aws-tenant-id");
        case "get_TraceId":
          return invocation.Header("lambda-runtime-trace-id");
        case "get_Serializer":
          return serializer;
        case "get_RemainingTime":
          return Remaining(invocation.Header("lambda-runtime-deadline-ms"));
        case "get_ClientContext":
          return ClientContext(TypeOf(contract, "ClientContext"),
            Parsed(invocation.Header("lambda-runtime-client-context")));
        case "get_Identity":
          return Texts(TypeOf(contract, "Identity"),
            Parsed(invocation.Header("lambda-runtime-cognito-identity")), new[] {
              "IdentityId:cognitoIdentityId", "IdentityPoolId:cognitoIdentityPoolId",
            });
        case "get_Logger":
          return FunctionLogger.Make(TypeOf(contract, "Logger"));
        default:
          return OfEnvironment(member);
      }
    }

    private static object OfEnvironment(string member) {
      switch (member) {
        case "get_FunctionName":
          return Variable("AWS_LAMBDA_FUNCTION_NAME");
        case "get_FunctionVersion":
          return Variable("AWS_LAMBDA_FUNCTION_VERSION");
        case "get_LogGroupName":
          return Variable("AWS_LAMBDA_LOG_GROUP_NAME");
        case "get_LogStreamName":
          return Variable("AWS_LAMBDA_LOG_STREAM_NAME");
        case "get_MemoryLimitInMB":
          int memory;
          int.TryParse(Variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), out memory);
          return memory;
        default:
          throw new NotSupportedException("Hearth's context has no " + member + ".");
      }
    }

    private static object ClientContext(Type contract, Dictionary<string, object> told) {
      object client = Texts(TypeOf(contract, "Client"), Inside(told, "client"), new[] {
        "InstallationId:installation_id", "AppTitle:app_title", "AppVersionName:app_version_name",
        "AppVersionCode:app_version_code", "AppPackageName:app_package_name",
      });
      IDictionary<string, string> custom = Plain(Inside(told, "custom"));
      IDictionary<string, string> environment = Plain(Inside(told, "env"));
      return InterfaceMaker.Make(contract, _ => false, (member, _) => {
        if (member == "get_Client") return told.ContainsKey("client") ? client : null;
        return member == "get_Custom" ? custom : environment;
      });
    }

    /// <param name="members">`Property:name in JSON`.</param>
    private static object Texts(Type contract, Dictionary<string, object> told, string[] members) {
      return InterfaceMaker.Make(contract, _ => false, (member, _) => {
        string pair = members.FirstOrDefault(
          one => "get_" + one.Substring(0, one.IndexOf(':')) == member);
        object value = null;
        if (pair != null && told != null) {
          told.TryGetValue(pair.Substring(pair.IndexOf(':') + 1), out value);
        }
        return value == null ? null : Convert.ToString(value, CultureInfo.InvariantCulture);
      });
    }

    private static Dictionary<string, object> Inside(Dictionary<string, object> told, string name) {
      object inside;
      told.TryGetValue(name, out inside);
      return inside as Dictionary<string, object>;
    }

    private static IDictionary<string, string> Plain(Dictionary<string, object> told) {
      return told == null ? null : told.ToDictionary(
        one => one.Key, one => Convert.ToString(one.Value, CultureInfo.InvariantCulture));
    }

    private static Dictionary<string, object> Parsed(string header) {
      bool isEmpty = string.IsNullOrEmpty(header);
      return (isEmpty ? null : Json.Read(header) as Dictionary<string, object>)
        ?? new Dictionary<string, object>();
    }

    private static TimeSpan Remaining(string deadlineMs) {
      double deadline;
      double.TryParse(deadlineMs, NumberStyles.Float, CultureInfo.InvariantCulture, out deadline);
      return TimeSpan.FromMilliseconds(deadline - (DateTime.UtcNow - Epoch).TotalMilliseconds);
    }

    private static Type TypeOf(Type contract, string property) {
      return contract.GetProperty(property).PropertyType;
    }

    private static string Variable(string name) {
      return Environment.GetEnvironmentVariable(name);
    }
  }
}
