// Standard output and error of the function, unbuffered: what was printed before a timeout or a
// crash is in the log. As in AWS's runtime, each line that Console.WriteLine prints gets the time,
// the request id and a level; what Console.Write prints stays as it is. Where an invocation's log
// ends is marked here, too.
using System;
using System.IO;
using System.Text;

namespace Hearth.Runtime {
  internal static class Output {
    private static readonly Encoding Utf8 = new UTF8Encoding(false);
    private static readonly Stream Raw = Console.OpenStandardOutput();

    internal static void SetUp() {
      Console.SetOut(new LineWriter("Information", Raw));
      Console.SetError(new LineWriter("Error", Console.OpenStandardError()));
    }

    /// <summary>A whole line, in one write.</summary>
    internal static void WriteLine(string line) {
      Write(Raw, line + "\n");
    }

    /// <summary>Tells the scheduler where in the stream this invocation's log ends.</summary>
    internal static void MarkEnd(string requestId) {
      // A function may have put writers with buffers of their own in their place.
      Console.Out.Flush();
      Console.Error.Flush();
      Write(Raw, "\0END " + requestId + "\n");
    }

    private static void Write(Stream to, string text) {
      byte[] bytes = Utf8.GetBytes(text);
      lock (Raw) {
        to.Write(bytes, 0, bytes.Length);
        to.Flush();
      }
    }

    /// <summary>A console whose lines are log lines.</summary>
    private sealed class LineWriter : TextWriter {
      private readonly string level;
      private readonly Stream stream;

      internal LineWriter(string level, Stream stream) {
        this.level = level;
        this.stream = stream;
        CoreNewLine = new[] { '\n' };
      }

      public override Encoding Encoding {
        get { return Utf8; }
      }

      public override void Write(char value) {
        Output.Write(stream, value.ToString());
      }

      public override void Write(char[] buffer, int index, int count) {
        Output.Write(stream, new string(buffer, index, count));
      }

      public override void Write(string value) {
        if (value != null) Output.Write(stream, value);
      }

      public override void WriteLine(string value) {
        string line = FunctionLogger.Line(level, null, value ?? "", null);
        if (line != null) Output.Write(stream, line + "\n");
      }

      public override void WriteLine() {
        WriteLine("");
      }

      public override void WriteLine(char value) {
        WriteLine(value.ToString());
      }

      public override void WriteLine(char[] buffer) {
        WriteLine(buffer == null ? "" : new string(buffer));
      }

      public override void WriteLine(char[] buffer, int index, int count) {
        WriteLine(new string(buffer, index, count));
      }

      public override void WriteLine(bool value) {
        WriteLine(value.ToString());
      }

      public override void WriteLine(int value) {
        WriteLine(value.ToString(FormatProvider));
      }

      public override void WriteLine(uint value) {
        WriteLine(value.ToString(FormatProvider));
      }

      public override void WriteLine(long value) {
        WriteLine(value.ToString(FormatProvider));
      }

      public override void WriteLine(ulong value) {
        WriteLine(value.ToString(FormatProvider));
      }

      public override void WriteLine(float value) {
        WriteLine(value.ToString(FormatProvider));
      }

      public override void WriteLine(double value) {
        WriteLine(value.ToString(FormatProvider));
      }

      public override void WriteLine(decimal value) {
        WriteLine(value.ToString(FormatProvider));
      }

      public override void WriteLine(object value) {
        WriteLine(value == null ? "" : value.ToString());
      }

      public override void WriteLine(string format, object one) {
        WriteLine(string.Format(FormatProvider, format, one));
      }

      public override void WriteLine(string format, object one, object two) {
        WriteLine(string.Format(FormatProvider, format, one, two));
      }

      public override void WriteLine(string format, object one, object two, object three) {
        WriteLine(string.Format(FormatProvider, format, one, two, three));
      }

      public override void WriteLine(string format, params object[] values) {
        WriteLine(string.Format(FormatProvider, format, values));
      }
    }
  }
}
