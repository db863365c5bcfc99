// The function's log in AWS's formats: time, request id, level and message with tabs between them,
// or one JSON object a line. Its ILambdaLogger, the static LambdaLogger of AWS's package and the
// console all end here. Levels below the function's own are left out.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Text;

namespace Hearth.Runtime {
  internal static class FunctionLogger {
    private static readonly string[] Levels = {
      "Trace", "Debug", "Information", "Warning", "Error", "Critical",
    };
    private static readonly string[] Labels = { "trce", "dbug", "info", "warn", "fail", "crit" };
    private const int Information = 2;

    private enum Form { Text, Unformatted, Json }

    private static Form form = Form.Text;
    private static int least = Information;
    private static Invocation current;

    /// <summary>Once the function's environment is known.</summary>
    internal static void SetUp() {
      string wanted = Variable("AWS_LAMBDA_HANDLER_LOG_FORMAT", "AWS_LAMBDA_LOG_FORMAT");
      if (Same(wanted, "JSON")) form = Form.Json;
      if (Same(wanted, "Unformatted")) form = Form.Unformatted;
      string level = Variable("AWS_LAMBDA_HANDLER_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL");
      if (Same(level, "FATAL")) level = "Critical";
      if (Same(level, "WARN")) level = "Warning";
      if (Same(level, "INFO")) level = "Information";
      int rank = RankOf(level);
      if (rank >= 0) least = rank;
    }

    internal static void SetInvocation(Invocation invocation) {
      current = invocation;
    }

    /// <summary>An error that the platform reports.</summary>
    internal static void Failure(Exception thrown) {
      Log("Error", thrown, "", null);
    }

    /// <summary>The function's ILambdaLogger.</summary>
    internal static object Make(Type contract) {
      return InterfaceMaker.Make(contract, member => member.StartsWith("Log"), (member, given) => {
        if (member == "Log" && given.Length == 1) Console.Write((string)given[0]);
        else LogAsTold(member, given);
        return null;
      });
    }

    /// <summary>
    /// LogLine(message); LogWarning([exception,] message[, values]) and its like;
    /// Log(level, [exception,] message[, values]), where a level is a text or AWS's enumeration.
    /// </summary>
    private static void LogAsTold(string member, object[] given) {
      IEnumerable<object> rest = given;
      string level = member.Substring("Log".Length);
      if (member == "LogLine") level = "Information";
      if (member == "Log") {
        level = Convert.ToString(given[0], CultureInfo.InvariantCulture);
        rest = given.Skip(1);
      }
      Log(level, rest.OfType<Exception>().FirstOrDefault(), rest.OfType<string>().FirstOrDefault(),
        rest.OfType<object[]>().FirstOrDefault());
    }

    /// <summary>Puts ours behind the static LambdaLogger of the function's AWS package.</summary>
    internal static void TakeOver(Assembly core) {
      Type logger = core.GetType("Amazon.Lambda.Core.LambdaLogger");
      if (logger == null) return;
      Action<string> plain = message => Log("Information", null, message, null);
      Action<string, string, object[]> levelled =
        (level, message, values) => Log(level, null, message, values);
      Action<string, Exception, string, object[]> whole = Log;
      Set(logger, "_loggingAction", plain);
      Set(logger, "_loggingWithLevelAction", levelled);
      Set(logger, "_loggingWithLevelAndExceptionAction", whole);
    }

    private static void Set(Type logger, string name, object action) {
      FieldInfo field = logger.GetField(name, BindingFlags.NonPublic | BindingFlags.Static);
      if (field != null && field.FieldType.IsInstanceOfType(action)) field.SetValue(null, action);
    }

    private static void Log(string level, Exception thrown, string message, object[] values) {
      string line = Line(level, thrown, message ?? "", values);
      if (line != null) Output.WriteLine(line);
    }

    /// <returns>null for what is below the function's level.</returns>
    internal static string Line(string level, Exception thrown, string message, object[] values) {
      int rank = RankOf(level);
      if (rank >= 0 && rank < least) return null;
      if (rank < 0) rank = 0;
      var template = new LogTemplate(message, values);
      string time =
        DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
      if (form == Form.Json) return JsonLine(time, Levels[rank], thrown, template);
      string text = template.Text;
      if (thrown != null) text += (text == "" ? "" : "\n") + thrown;
      if (form == Form.Unformatted) return text;
      string requestId = Header("lambda-runtime-aws-request-id");
      return time + "\t" + requestId + "\t" + Labels[rank] + "\t" + text;
    }

    private static string JsonLine(
      string time, string level, Exception thrown, LogTemplate template) {
      var line = new Dictionary<string, object> { { "timestamp", time }, { "level", level } };
      Add(line, "requestId", Header("lambda-runtime-aws-request-id"));
      Add(line, "tenantId", Header("lambda-runtime-aws-tenant-id"));
      Add(line, "traceId", Header("lambda-runtime-trace-id"));
      line["message"] = template.Text;
      foreach (KeyValuePair<string, object> one in template.Properties) {
        Add(line, one.Key, one.Value);
      }
      if (thrown != null) {
        line["errorType"] = thrown.GetType().FullName;
        line["errorMessage"] = thrown.Message;
        line["stackTrace"] = thrown.ToString().Split('\n').Select(one => one.Trim()).ToArray();
      }
      var text = new StringBuilder();
      Json.Write(text, line);
      return text.ToString();
    }

    private static void Add(Dictionary<string, object> line, string name, object value) {
      if (value != null && !line.ContainsKey(name)) line[name] = value;
    }

    private static string Header(string name) {
      Invocation now = current;
      return now == null ? null : now.Header(name);
    }

    /// <summary>As AWS's runtime has it, the level of an unknown name is the least.</summary>
    private static int RankOf(string level) {
      return Array.FindIndex(Levels, one => Same(one, level));
    }

    private static bool Same(string one, string other) {
      return string.Equals(one, other, StringComparison.OrdinalIgnoreCase);
    }

    private static string Variable(string name, string otherwise) {
      string value = Environment.GetEnvironmentVariable(name);
      return string.IsNullOrEmpty(value) ? Environment.GetEnvironmentVariable(otherwise) : value;
    }
  }
}
