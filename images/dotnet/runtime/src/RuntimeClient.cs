// The Lambda Runtime API from inside the sandbox: a lean HTTP/1.1 client on one kept-open socket.
// An answer and the request for the next invocation leave in one write, so a warm invocation costs
// one wake-up a side. It expects what Hearth's own server sends (every answer has a Content-Length)
// and nothing more general.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hearth.Runtime {
  /// <summary>What came back: headers by their lower-case names, and the body.</summary>
  internal sealed class Invocation {
    private readonly Dictionary<string, string> headers;
    internal readonly byte[] Body;

    internal Invocation(Dictionary<string, string> headers, byte[] body) {
      this.headers = headers;
      Body = body;
    }

    /// <returns>null where there is no such header.</returns>
    internal string Header(string name) {
      string value;
      return headers.TryGetValue(name, out value) ? value : null;
    }
  }

  internal sealed class RuntimeClient {
    private const string Prefix = "/2018-06-01/runtime";
    private const int HeadBytesMax = 64 * 1024;
    private static readonly byte[] GetNext = Get(Prefix + "/invocation/next");
    private static readonly byte[] Nothing = new byte[0];

    private readonly Socket socket;
    /// <summary>What has arrived and is not yet used lies between position and limit.</summary>
    private readonly byte[] arrived = new byte[HeadBytesMax];
    private int position;
    private int limit;

    /// <param name="address">A unix socket's path, or host:port.</param>
    internal RuntimeClient(string address) {
      if (address.StartsWith("/", StringComparison.Ordinal)) {
        socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(Platform.UnixSocket(address));
      } else {
        int colon = address.LastIndexOf(':');
        socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.NoDelay = true;
        socket.Connect(IPAddress.Parse(address.Substring(0, colon)),
          int.Parse(address.Substring(colon + 1)));
      }
    }

    /// <summary>Waits, as a stem, until it is told which function this is.</summary>
    /// <returns>The function's environment.</returns>
    internal Dictionary<string, object> Specialisation() {
      Write(Get("/hearth/specialisation"));
      var told = (Dictionary<string, object>)Json.Read(Encoding.UTF8.GetString(Receive().Body));
      return (Dictionary<string, object>)told["environment"];
    }

    internal Invocation Next() {
      Write(GetNext);
      return Receive();
    }

    internal Invocation RespondAndNext(string requestId, ArraySegment<byte> body) {
      Post("/invocation/" + requestId + "/response", body, null, GetNext);
      Receive();
      return Receive();
    }

    internal Invocation FailAndNext(string requestId, string body, string errorType) {
      Post("/invocation/" + requestId + "/error", Bytes(body), errorType, GetNext);
      Receive();
      return Receive();
    }

    /// <summary>Sends an error that ends this process; returns when the scheduler has it.</summary>
    internal void LastWord(string path, string body, string errorType) {
      Post(path, Bytes(body), errorType, Nothing);
      Receive();
    }

    private void Post(string path, ArraySegment<byte> body, string errorType, byte[] following) {
      byte[] head = Encoding.UTF8.GetBytes(
        "POST " + Prefix + path + " HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n"
        + (errorType == null ? "" : "Lambda-Runtime-Function-Error-Type: " + errorType + "\r\n")
        + "Content-Length: " + body.Count + "\r\n\r\n");
      var whole = new byte[head.Length + body.Count + following.Length];
      Buffer.BlockCopy(head, 0, whole, 0, head.Length);
      Buffer.BlockCopy(body.Array, body.Offset, whole, head.Length, body.Count);
      Buffer.BlockCopy(following, 0, whole, head.Length + body.Count, following.Length);
      Write(whole);
    }

    private void Write(byte[] bytes) {
      try {
        for (int sent = 0; sent < bytes.Length;) {
          sent += socket.Send(bytes, sent, bytes.Length - sent, SocketFlags.None);
        }
      } catch (SocketException) {
        Abandon();
      }
    }

    private Invocation Receive() {
      int end;
      while ((end = EndOfHead()) < 0) ReadMore();
      string head = Encoding.UTF8.GetString(arrived, position, end - position);
      position = end;
      var headers = new Dictionary<string, string>();
      string[] lines = head.Split(new[] { "\r\n" }, StringSplitOptions.RemoveEmptyEntries);
      for (int at = 1; at < lines.Length; at += 1) {
        int colon = lines[at].IndexOf(':');
        headers[lines[at].Substring(0, colon).ToLowerInvariant()] =
          lines[at].Substring(colon + 1).Trim();
      }
      string length;
      bool hasBody = headers.TryGetValue("content-length", out length);
      var body = new byte[hasBody ? int.Parse(length) : 0];
      int here = Math.Min(body.Length, limit - position);
      Buffer.BlockCopy(arrived, position, body, 0, here);
      position += here;
      while (here < body.Length) here += ReadInto(body, here);
      return new Invocation(headers, body);
    }

    /// <returns>Where the body begins, or -1.</returns>
    private int EndOfHead() {
      for (int at = position; at + 4 <= limit; at += 1) {
        bool ends = arrived[at] == '\r' && arrived[at + 1] == '\n' && arrived[at + 2] == '\r'
          && arrived[at + 3] == '\n';
        if (ends) return at + 4;
      }
      return -1;
    }

    private void ReadMore() {
      Buffer.BlockCopy(arrived, position, arrived, 0, limit - position);
      limit -= position;
      position = 0;
      if (limit == arrived.Length) throw new IOException("The answer's head has no end.");
      limit += ReadInto(arrived, limit);
    }

    private int ReadInto(byte[] target, int offset) {
      try {
        int count = socket.Receive(target, offset, target.Length - offset, SocketFlags.None);
        if (count == 0) Abandon();
        return count;
      } catch (SocketException) {
        Abandon();
        throw;
      }
    }

    /// <summary>Without the scheduler there is nobody to run for.</summary>
    private static void Abandon() {
      Native.Exit(1);
    }

    private static ArraySegment<byte> Bytes(string text) {
      return new ArraySegment<byte>(Encoding.UTF8.GetBytes(text));
    }

    private static byte[] Get(string path) {
      return Encoding.UTF8.GetBytes("GET " + path + " HTTP/1.1\r\nHost: runtime\r\n\r\n");
    }
  }
}
