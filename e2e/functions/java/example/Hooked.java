// A function with hooks around its snapshot: it answers what happened, in order, and where the
// machine says that its class came from, which it logs when its options ask it to.
package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.crac.Core;
import org.crac.Resource;

public final class Hooked implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  private static final Path CLASSES = Path.of("/tmp/classes.log");
  private static final List<String> HAPPENED = new CopyOnWriteArrayList<>(List.of("init"));
  private static final List<Resource> HOOKS = List.of(hook("first"), hook("second"));

  static {
    HOOKS.forEach(Core.getGlobalContext()::register);
  }

  private static Resource hook(String name) {
    return new Resource() {
      @Override
      public void beforeCheckpoint(org.crac.Context<? extends Resource> context) {
        HAPPENED.add(name + " before");
        failIn("before");
      }

      @Override
      public void afterRestore(org.crac.Context<? extends Resource> context) {
        HAPPENED.add(name + " restored");
        failIn("after");
      }

      private void failIn(String hook) {
        if (hook.equals(System.getenv("FAIL"))) throw new IllegalStateException(name + " failed");
      }
    };
  }

  @Override
  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    URL text = Hooked.class.getResource("/text.txt");
    return Map.of(
        "happened", HAPPENED,
        "type", System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"),
        "source", source(),
        "text", text == null ? "none" : text.toString(),
        "stage", System.getProperty("stage", "none"),
        "ours", System.getenv().keySet().stream().filter(Hooked::isOurs).toList());
  }

  private static boolean isOurs(String name) {
    return name.contains("CACHE") || name.contains("SNAPSHOT");
  }

  /** `shared objects file` and its like, a place, or `unknown`. */
  private static String source() {
    try {
      String wanted = " " + Hooked.class.getName() + " source: ";
      return Files.readAllLines(CLASSES).stream()
          .filter(line -> line.contains(wanted))
          .map(line -> line.substring(line.indexOf(wanted) + wanted.length()))
          .findFirst()
          .orElse("unknown");
    } catch (IOException absent) {
      return "unknown";
    }
  }
}
