// Standard output and error of the function, unbuffered: what was printed before a timeout or a
// crash is in the log. Where an invocation's log ends is marked here, too.
package hearth.runtime;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

final class Output {
  private static final PrintStream OUT = unbuffered(FileDescriptor.out);

  private Output() {}

  static void setUp() {
    System.setOut(OUT);
    System.setErr(unbuffered(FileDescriptor.err));
  }

  /** A message as an event of its own. */
  static void write(byte[] message) {
    boolean isEnded = message.length > 0 && message[message.length - 1] == '\n';
    byte[] line = isEnded ? message : Arrays.copyOf(message, message.length + 1);
    line[line.length - 1] = '\n';
    OUT.write(line, 0, line.length);
  }

  static void write(String message) {
    write(message.getBytes(StandardCharsets.UTF_8));
  }

  /** Tells the scheduler where in the stream this invocation's log ends. */
  static void markEnd(String requestId) {
    // A function may have put streams with buffers of its own in their place.
    System.out.flush();
    System.err.flush();
    byte[] mark = ("\0END " + requestId + "\n").getBytes(StandardCharsets.ISO_8859_1);
    OUT.write(mark, 0, mark.length);
  }

  private static PrintStream unbuffered(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), false, StandardCharsets.UTF_8);
  }
}
