// What Mono does in its own way: it has no end point for unix sockets among what Debian packs, and
// finds assemblies through an older event. The counterpart for CoreCLR is in images/dotnet.
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;

namespace Hearth.Runtime {
  internal static class Platform {
    internal static EndPoint UnixSocket(string path) {
      return new UnixEndPoint(path);
    }

    internal static void ResolveFrom(string mainAssembly) {
      AppDomain.CurrentDomain.AssemblyResolve += (_, wanted) => {
        string name = new AssemblyName(wanted.Name).Name + ".dll";
        string path = Path.Combine(Path.GetDirectoryName(mainAssembly), name);
        return File.Exists(path) ? Assembly.LoadFrom(path) : null;
      };
    }

    private sealed class UnixEndPoint : EndPoint {
      private const int FamilyBytes = 2;
      private readonly string path;

      internal UnixEndPoint(string path) {
        this.path = path;
      }

      public override AddressFamily AddressFamily {
        get { return AddressFamily.Unix; }
      }

      public override SocketAddress Serialize() {
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        var address = new SocketAddress(AddressFamily.Unix, FamilyBytes + bytes.Length + 1);
        for (int at = 0; at < bytes.Length; at += 1) address[FamilyBytes + at] = bytes[at];
        return address;
      }

      public override EndPoint Create(SocketAddress address) {
        return this;
      }
    }
  }
}
