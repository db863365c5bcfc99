// JSON for the bootstrap's own needs: environments, client contexts, runtime configurations, error
// reports and log lines. Events and answers are the serializer's that the function brings. Its own,
// because what CoreCLR has for JSON costs a start some milliseconds, and Mono does not have it.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Hearth.Runtime {
  internal static class Json {
    /// <summary>Objects as dictionaries, arrays as lists, numbers as doubles.</summary>
    /// <exception cref="FormatException">What was read is no JSON.</exception>
    internal static object Read(string text) {
      return new Reader(text).Whole();
    }

    /// <summary>Dictionaries, lists, numbers, booleans and null; all else as its text.</summary>
    internal static void Write(StringBuilder to, object value) {
      if (value == null) to.Append("null");
      else if (value is bool) to.Append((bool)value ? "true" : "false");
      else if (value is IDictionary<string, object>) {
        WriteObject(to, (IDictionary<string, object>)value);
      } else if (value is IEnumerable && !(value is string)) WriteArray(to, (IEnumerable)value);
      else if (IsNumber(value)) to.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
      else WriteText(to, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
    }

    private static void WriteObject(StringBuilder to, IDictionary<string, object> members) {
      char before = '{';
      foreach (KeyValuePair<string, object> member in members) {
        to.Append(before);
        WriteText(to, member.Key);
        to.Append(':');
        Write(to, member.Value);
        before = ',';
      }
      to.Append(before == '{' ? "{}" : "}");
    }

    private static void WriteArray(StringBuilder to, IEnumerable items) {
      char before = '[';
      foreach (object item in items) {
        to.Append(before);
        Write(to, item);
        before = ',';
      }
      to.Append(before == '[' ? "[]" : "]");
    }

    private static void WriteText(StringBuilder to, string text) {
      to.Append('"');
      foreach (char letter in text) {
        if (letter == '"' || letter == '\\') to.Append('\\').Append(letter);
        else if (letter == '\n') to.Append("\\n");
        else if (letter < ' ' || char.IsSurrogate(letter)) {
          to.Append("\\u").Append(((int)letter).ToString("x4", CultureInfo.InvariantCulture));
        } else to.Append(letter);
      }
      to.Append('"');
    }

    /// <summary>Numbers that JSON can say; infinity is none.</summary>
    private static bool IsNumber(object value) {
      if (value is double) return !double.IsNaN((double)value) && !double.IsInfinity((double)value);
      return value is int || value is long || value is decimal || value is short || value is byte
        || value is uint || value is ulong;
    }

    private sealed class Reader {
      private const int DepthMax = 64;
      private readonly string text;
      private int at;
      private int depth;

      internal Reader(string text) {
        this.text = text;
      }

      internal object Whole() {
        object value = Value();
        if (Peek() != '\0') throw Bad();
        return value;
      }

      private object Value() {
        char first = Peek();
        if (first == '{') return Members();
        if (first == '[') return Items();
        if (first == '"') return Text();
        int start = at;
        while (at < text.Length && ",]} \t\r\n".IndexOf(text[at]) < 0) at += 1;
        string word = text.Substring(start, at - start);
        if (word == "null") return null;
        if (word == "true" || word == "false") return word == "true";
        double number;
        if (double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out number)) {
          return number;
        }
        throw Bad();
      }

      private Dictionary<string, object> Members() {
        var members = new Dictionary<string, object>();
        if (Opens('}')) return members;
        do {
          if (Peek() != '"') throw Bad();
          string name = Text();
          Expect(':');
          members[name] = Value();
        } while (Continues('}'));
        return members;
      }

      private List<object> Items() {
        var items = new List<object>();
        if (Opens(']')) return items;
        do items.Add(Value());
        while (Continues(']'));
        return items;
      }

      /// <returns>Whether what was opened is closed at once.</returns>
      private bool Opens(char closing) {
        at += 1;
        depth += 1;
        if (depth > DepthMax) throw Bad();
        return Peek() == closing && Closes();
      }

      private bool Continues(char closing) {
        if (Peek() == closing) return !Closes();
        Expect(',');
        return true;
      }

      private bool Closes() {
        at += 1;
        depth -= 1;
        return true;
      }

      private string Text() {
        var read = new StringBuilder();
        for (at += 1; at < text.Length && text[at] != '"'; at += 1) {
          if (text[at] == '\\') read.Append(Escaped());
          else read.Append(text[at]);
        }
        Expect('"');
        return read.ToString();
      }

      private char Escaped() {
        at += 1;
        if (at >= text.Length) throw Bad();
        int known = "bfnrt".IndexOf(text[at]);
        if (known >= 0) return "\b\f\n\r\t"[known];
        if (text[at] != 'u') return text[at];
        if (at + 4 >= text.Length) throw Bad();
        at += 4;
        return (char)int.Parse(
          text.Substring(at - 3, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
      }

      private void Expect(char wanted) {
        if (Peek() != wanted) throw Bad();
        at += 1;
      }

      private char Peek() {
        while (at < text.Length && " \t\r\n".IndexOf(text[at]) >= 0) at += 1;
        return at < text.Length ? text[at] : '\0';
      }

      private FormatException Bad() {
        return new FormatException("There is no JSON at character " + at + ".");
      }
    }
  }
}
