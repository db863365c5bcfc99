// From a stem to a function: the process takes the function's environment and directory, as if it
// had been started with them. What only counts when .NET boots, an executable assembly or settings
// of the collector, makes it start anew in its own place, with the same bootstrap.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Hearth.Runtime {
  internal static class StemLife {
    private const string BootstrapPath = "/var/runtime/bootstrap";
    /// <summary>Beginnings of the names of settings that .NET reads once, as it boots.</summary>
    private static readonly string[] BootSettings = {
      "System.GC.", "System.Globalization.", "System.Runtime.Tiered",
      "System.Threading.ThreadPool.",
    };

    internal static void Become(Dictionary<string, object> environment) {
      foreach (DictionaryEntry one in Environment.GetEnvironmentVariables()) {
        Environment.SetEnvironmentVariable((string)one.Key, null);
      }
      foreach (KeyValuePair<string, object> one in environment) {
        Environment.SetEnvironmentVariable(one.Key, (string)one.Value);
      }
      Directory.SetCurrentDirectory(FunctionFinder.TaskRoot);
      if (NeedsBoot()) Native.Become(BootstrapPath, environment);
      TimeZoneInfo.ClearCachedData();
      CultureInfo.CurrentCulture.ClearCachedData();
    }

    /// <summary>Takes what the function's runtimeconfig.json sets, where it can be.</summary>
    private static bool NeedsBoot() {
      string handler = Environment.GetEnvironmentVariable("_HANDLER") ?? "";
      int colon = handler.IndexOf(':');
      if (colon < 0) return true;
      try {
        var whole = (Dictionary<string, object>)Json.Read(
          File.ReadAllText(Path.Combine(FunctionFinder.TaskRoot, RuntimeConfig(handler, colon))));
        var options = (Dictionary<string, object>)whole["runtimeOptions"];
        if (!options.ContainsKey("configProperties")) return false;
        var properties = (Dictionary<string, object>)options["configProperties"];
        foreach (KeyValuePair<string, object> one in properties) {
          if (!(one.Value is bool) || IsForBoot(one.Key)) return true;
          AppContext.SetSwitch(one.Key, (bool)one.Value);
        }
        return false;
      } catch (Exception) {
        // A file that is not there or not right is the bootstrap's to report.
        return true;
      }
    }

    private static string RuntimeConfig(string handler, int colon) {
      string main = Environment.GetEnvironmentVariable("LAMBDA_DOTNET_MAIN_ASSEMBLY");
      if (string.IsNullOrEmpty(main)) main = handler.Substring(0, colon);
      else if (main.EndsWith(".dll", StringComparison.Ordinal)) {
        main = main.Substring(0, main.Length - ".dll".Length);
      }
      return main + ".runtimeconfig.json";
    }

    private static bool IsForBoot(string setting) {
      return Array.Exists(
        BootSettings, beginning => setting.StartsWith(beginning, StringComparison.Ordinal));
    }
  }
}
