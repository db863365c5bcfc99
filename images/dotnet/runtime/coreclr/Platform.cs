// What CoreCLR does in its own way: unix sockets, and finding a function's assemblies and native
// libraries by its deps.json, which a stem could not know when it was started.
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace Hearth.Runtime {
  internal static class Platform {
    internal static EndPoint UnixSocket(string path) {
      return new UnixDomainSocketEndPoint(path);
    }

    /// <summary>
    /// Looks for assemblies as the host would have, had it been started with this one. One that the
    /// host has found already, in a process that was started for its function, is never asked for.
    /// </summary>
    internal static void ResolveFrom(string mainAssembly) {
      var resolver = new AssemblyDependencyResolver(mainAssembly);
      AssemblyLoadContext.Default.Resolving += (context, name) => {
        string path = resolver.ResolveAssemblyToPath(name) ?? Beside(mainAssembly, name);
        return path == null ? null : context.LoadFromAssemblyPath(path);
      };
      AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => {
        string path = resolver.ResolveUnmanagedDllToPath(name);
        return path == null ? IntPtr.Zero : NativeLibrary.Load(path);
      };
    }

    private static string Beside(string mainAssembly, AssemblyName name) {
      string path = Path.Combine(Path.GetDirectoryName(mainAssembly), name.Name + ".dll");
      return File.Exists(path) ? path : null;
    }
  }
}
