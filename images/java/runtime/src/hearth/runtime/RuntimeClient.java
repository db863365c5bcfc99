// The Lambda Runtime API from inside the sandbox: a lean HTTP/1.1 client on one kept-open socket.
// An answer and the request for the next invocation leave in one write, so a warm invocation costs
// one wake-up a side. It expects what Hearth's own server sends (every answer has a Content-Length)
// and nothing more general.
package hearth.runtime;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

final class RuntimeClient {
  /** What came back: headers by their lower-case names, and the body. */
  record Invocation(Map<String, String> headers, byte[] body) {
    String header(String name) {
      return headers.get(name);
    }
  }

  private static final String PREFIX = "/2018-06-01/runtime";
  private static final byte[] GET_NEXT = get(PREFIX + "/invocation/next");
  private static final byte[] GET_RESTORE = get(PREFIX + "/restore/next");
  private static final byte[] GET_SPECIALISATION = get("/hearth/specialisation");
  private static final byte[] NOTHING = new byte[0];
  private static final int HEAD_BYTES = 64 * 1024;

  private final SocketChannel channel;
  /** What has arrived and is not yet used lies between position and limit. */
  private final ByteBuffer arrived = ByteBuffer.allocateDirect(HEAD_BYTES).flip();

  /** `address` is a unix socket's path, or host:port. */
  RuntimeClient(String address) throws IOException {
    if (address.startsWith("/")) {
      channel = SocketChannel.open(UnixDomainSocketAddress.of(address));
    } else {
      int colon = address.lastIndexOf(':');
      int port = Integer.parseInt(address.substring(colon + 1));
      channel = SocketChannel.open(new InetSocketAddress(address.substring(0, colon), port));
    }
  }

  /** Waits, as a stem, until it is told which function this is. @return its environment. */
  Map<String, String> specialisation() throws IOException {
    write(ByteBuffer.wrap(GET_SPECIALISATION));
    Object told = Json.read(receive().body());
    Map<String, String> environment = new HashMap<>();
    ((Map<?, ?>) ((Map<?, ?>) told).get("environment"))
        .forEach((name, value) -> environment.put((String) name, (String) value));
    return environment;
  }

  /** Waits, as a snapshot, until it is restored. */
  void restoreNext() throws IOException {
    write(ByteBuffer.wrap(GET_RESTORE));
    receive();
  }

  Invocation next() throws IOException {
    write(ByteBuffer.wrap(GET_NEXT));
    return receive();
  }

  Invocation respondAndNext(String requestId, byte[] body) throws IOException {
    post("/invocation/" + requestId + "/response", body, null, GET_NEXT);
    receive();
    return receive();
  }

  Invocation failAndNext(String requestId, byte[] body, String kind) throws IOException {
    post("/invocation/" + requestId + "/error", body, kind, GET_NEXT);
    receive();
    return receive();
  }

  /** Sends an error that ends this process; returns when the scheduler has it. */
  void lastWord(String path, byte[] body, String kind) throws IOException {
    post(path, body, kind, NOTHING);
    receive();
  }

  private void post(String path, byte[] body, String kind, byte[] following) throws IOException {
    String head =
        "POST " + PREFIX + path + " HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n"
            + (kind == null ? "" : "Lambda-Runtime-Function-Error-Type: " + kind + "\r\n")
            + "Content-Length: " + body.length + "\r\n\r\n";
    write(
        ByteBuffer.wrap(head.getBytes(StandardCharsets.ISO_8859_1)),
        ByteBuffer.wrap(body),
        ByteBuffer.wrap(following));
  }

  private void write(ByteBuffer... parts) throws IOException {
    ByteBuffer last = parts[parts.length - 1];
    ByteBuffer beforeLast = parts[Math.max(parts.length - 2, 0)];
    while (last.hasRemaining() || beforeLast.hasRemaining()) channel.write(parts);
  }

  private Invocation receive() throws IOException {
    int end;
    while ((end = endOfHead()) < 0) readMore();
    byte[] head = new byte[end - arrived.position()];
    arrived.get(head);
    Map<String, String> headers = new HashMap<>();
    String[] lines = new String(head, StandardCharsets.UTF_8).split("\r\n");
    for (String line : Arrays.asList(lines).subList(1, lines.length)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
    }
    byte[] body = new byte[Integer.parseInt(headers.getOrDefault("content-length", "0"))];
    int here = Math.min(body.length, arrived.remaining());
    arrived.get(body, 0, here);
    ByteBuffer rest = ByteBuffer.wrap(body, here, body.length - here);
    while (rest.hasRemaining()) if (channel.read(rest) < 0) abandon();
    return new Invocation(headers, body);
  }

  /** @return where the body begins, or -1. */
  private int endOfHead() {
    for (int at = arrived.position(); at + 4 <= arrived.limit(); at += 1) {
      if (arrived.getInt(at) == 0x0d0a0d0a) return at + 4;
    }
    return -1;
  }

  private void readMore() throws IOException {
    arrived.compact();
    if (!arrived.hasRemaining()) throw new IOException("The answer's head has no end.");
    int count = channel.read(arrived);
    arrived.flip();
    if (count < 0) abandon();
  }

  /** Without the scheduler there is nobody to run for. */
  private static void abandon() {
    Runtime.getRuntime().halt(1);
  }

  private static byte[] get(String path) {
    return ("GET " + path + " HTTP/1.1\r\nHost: runtime\r\n\r\n")
        .getBytes(StandardCharsets.ISO_8859_1);
  }
}
