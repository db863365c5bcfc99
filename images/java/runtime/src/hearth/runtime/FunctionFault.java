// What went wrong, in the shapes and with the texts of AWS's Java runtime. A fault is either what a
// handler threw, or what kept it from being found or made; a fatal one ends the init.
package hearth.runtime;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

@SuppressWarnings("serial")
final class FunctionFault extends RuntimeException {
  private static final String OURS = FunctionFault.class.getPackageName() + ".";

  private final String kind;
  private final String trace;
  private final boolean fatal;

  private FunctionFault(String message, Throwable thrown, boolean fatal) {
    super(message, null, false, false);
    this.kind = thrown == null ? null : thrown.getClass().getName();
    this.trace = thrown == null ? null : traceOf(thrown);
    this.fatal = fatal;
  }

  /** A fault without an exception behind it, such as a handler of the wrong form. */
  static FunctionFault because(String message) {
    return new FunctionFault(message, null, false);
  }

  static FunctionFault of(Throwable thrown) {
    if (thrown instanceof FunctionFault fault) return fault;
    return new FunctionFault(messageOf(thrown), thrown, false);
  }

  /** A constructor or a static initialiser threw: there is nothing to invoke. */
  static FunctionFault fatal(Throwable thrown) {
    return new FunctionFault(messageOf(thrown), thrown, true);
  }

  static FunctionFault fatal(String message, Throwable thrown) {
    return new FunctionFault(message, thrown, true);
  }

  static FunctionFault classNotFound(Throwable thrown, String name) {
    return new FunctionFault("Class not found: " + name, thrown, false);
  }

  boolean isFatal() {
    return fatal;
  }

  /** The log's text. */
  String reportable() {
    return kind == null ? getMessage() + "\n" : getMessage() + ": " + kind + "\n" + trace + "\n";
  }

  /** The error report of a fault; AWS gives it no stack. */
  byte[] toJson() {
    return report(getMessage(), kind, null);
  }

  /** The error report of what a handler threw. */
  static byte[] describe(Throwable thrown) {
    List<String> stack =
        Arrays.stream(withoutOurFrames(thrown).getStackTrace()).map(Object::toString).toList();
    return report(messageOf(thrown), thrown.getClass().getName(), stack);
  }

  /** The same throwable, with the frames from where the runtime called the function taken off. */
  static <T extends Throwable> T withoutOurFrames(T thrown) {
    cut(thrown, Collections.newSetFromMap(new IdentityHashMap<>()));
    return thrown;
  }

  private static void cut(Throwable thrown, Set<Throwable> seen) {
    if (thrown == null || !seen.add(thrown)) return;
    StackTraceElement[] stack = thrown.getStackTrace();
    for (int at = 0; at < stack.length; at += 1) {
      if (!stack[at].getClassName().startsWith(OURS)) continue;
      thrown.setStackTrace(Arrays.copyOf(stack, at));
      break;
    }
    cut(thrown.getCause(), seen);
    for (Throwable suppressed : thrown.getSuppressed()) cut(suppressed, seen);
  }

  private static byte[] report(String message, String type, List<String> stack) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("errorMessage", message);
    if (type != null) body.put("errorType", type);
    if (stack != null) body.put("stackTrace", stack);
    return Json.write(body).getBytes(StandardCharsets.UTF_8);
  }

  private static String messageOf(Throwable thrown) {
    String message = thrown.getLocalizedMessage();
    return message == null ? thrown.getClass().getName() : message;
  }

  private static String traceOf(Throwable thrown) {
    StringWriter text = new StringWriter();
    withoutOurFrames(thrown).printStackTrace(new PrintWriter(text));
    return text.toString();
  }
}
