// A message with places in braces, as ILogger has them: "{count} of {name}" takes values in their
// order, "{1} of {0}" by their position. The places' names become members of a JSON line.
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;

namespace Hearth.Runtime {
  internal sealed class LogTemplate {
    internal readonly string Text;
    internal readonly List<KeyValuePair<string, object>> Properties =
      new List<KeyValuePair<string, object>>();

    internal LogTemplate(string message, object[] values) {
      Text = message;
      if (values == null || values.Length == 0) return;
      List<string> names = Places.Pattern.Matches(message).Cast<Match>()
        .Select(place => place.Groups["name"].Value).Where(name => name != "").ToList();
      int position;
      bool isPositional = names.Count > 0 && names.All(name => int.TryParse(name, out position));
      int next = 0;
      Text = Places.Pattern.Replace(message, place => {
        string name = place.Groups["name"].Value;
        if (name == "") return place.Value.Substring(0, 1);
        int index = isPositional ? int.Parse(name, CultureInfo.InvariantCulture) : next;
        next += 1;
        if (index >= values.Length) return place.Value;
        if (!isPositional) {
          Properties.Add(new KeyValuePair<string, object>(name.TrimStart('@'), values[index]));
        }
        string format = "{0" + place.Groups["format"].Value + "}";
        return string.Format(CultureInfo.InvariantCulture, format, values[index]);
      });
    }

    /// <summary>Loaded with the first message that has values: patterns cost a start.</summary>
    private static class Places {
      internal static readonly Regex Pattern =
        new Regex(@"\{\{|\}\}|\{(?<name>[^{}:,\s][^{}:,]*)(?<format>[,:][^{}]*)?\}");
    }
  }
}
