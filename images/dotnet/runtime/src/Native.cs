// What needs the C library: to end at once, whatever threads a function has left behind, and to
// become another program.
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Hearth.Runtime {
  internal static class Native {
    [DllImport("libc", EntryPoint = "_exit")]
    internal static extern void Exit(int status);

    [DllImport("libc", EntryPoint = "execve")]
    private static extern int Execute(string path, string[] arguments, string[] environment);

    /// <summary>Starts a program in this process's place; returns only where it cannot.</summary>
    internal static void Become(
      string path, IEnumerable<KeyValuePair<string, object>> environment) {
      var variables = new List<string>();
      foreach (KeyValuePair<string, object> one in environment) {
        variables.Add(one.Key + "=" + one.Value);
      }
      variables.Add(null);
      Execute(path, new[] { path, null }, variables.ToArray());
    }
  }
}
