// What went wrong, in the shape and with the texts of AWS's .NET runtime: the exception's class
// without its namespace, its message, the function's own stack, and its causes.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Hearth.Runtime {
  /// <summary>A handler that is not what AWS takes; AWS reports it by this name.</summary>
  internal sealed class LambdaValidationException : Exception {
    internal LambdaValidationException(string message) : base(message) {
    }
  }

  internal static class FunctionFault {
    private const int BytesMax = 256 * 1024;
    private const string TooLarge =
      "{\"errorMessage\": \"Exception exceeded maximum payload size of 256KB.\"}";
    private const int CausesMax = 32;
    /// <summary>Frames between the function and the bootstrap, on either virtual machine.</summary>
    private static readonly string[] NotTheFunctions = {
      "at Hearth.Runtime.", "at System.Reflection.", "at System.RuntimeMethodHandle.",
      "at (wrapper managed-to-native) System.Reflection.", "at System.Threading.Tasks.Task",
      "at System.Runtime.CompilerServices.TaskAwaiter",
      "at System.Runtime.ExceptionServices.ExceptionDispatchInfo",
      "--- End of stack trace",
    };

    /// <summary>The name by which the platform counts it.</summary>
    internal static string TypeOf(Exception thrown) {
      return thrown.GetType().Name;
    }

    /// <summary>The error report, as JSON.</summary>
    internal static string Report(Exception thrown) {
      var report = new StringBuilder();
      Json.Write(report, Describe(thrown, 0));
      string text = report.ToString();
      return Encoding.UTF8.GetByteCount(text) > BytesMax ? TooLarge : text;
    }

    private static Dictionary<string, object> Describe(Exception thrown, int depth) {
      var described = new Dictionary<string, object>();
      described["errorType"] = TypeOf(thrown);
      described["errorMessage"] = thrown.Message;
      string[] stack = OwnFrames(thrown.StackTrace);
      if (stack.Length > 0) described["stackTrace"] = stack;
      if (depth == CausesMax) return described;
      if (thrown.InnerException != null) {
        described["cause"] = Describe(thrown.InnerException, depth + 1);
      }
      var several = thrown as AggregateException;
      if (several != null) {
        described["causes"] = several.InnerExceptions
          .Take(CausesMax).Select(one => Describe(one, depth + 1)).ToArray();
      }
      return described;
    }

    /// <summary>The stack down to where the bootstrap called the function.</summary>
    private static string[] OwnFrames(string stack) {
      if (string.IsNullOrEmpty(stack)) return new string[0];
      List<string> frames =
        stack.Split('\n').Select(frame => frame.Trim()).Where(frame => frame != "").ToList();
      int last = frames.FindLastIndex(frame => !NotTheFunctions.Any(
        ours => frame.StartsWith(ours, StringComparison.Ordinal)));
      return frames.Take(last + 1).ToArray();
    }
  }
}
