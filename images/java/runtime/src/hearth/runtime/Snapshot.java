// SnapStart in a Java runtime: once the function is loaded its hooks run, and the process waits to
// be restored, as AWS's does. The run that fills a version's cache ends there instead, and what the
// machine has loaded until then is what it archives.
package hearth.runtime;

import com.amazonaws.services.lambda.crac.Core;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

final class Snapshot {
  /** org.crac, which functions bring along, finds who runs its hooks by this property. */
  private static final String IMPLEMENTATION = "org.crac.Core.Compat";
  /** AWS's runtime ends so when a hook fails. */
  private static final int HOOK_FAILED = 64;

  private Snapshot() {}

  /** Before anything of the function's runs. */
  static void setUp() {
    System.setProperty(IMPLEMENTATION, Core.class.getPackageName());
  }

  /** After the function is loaded: returns once it is restored, or at once where none is taken. */
  static void take(RuntimeClient client) throws IOException {
    if (!"snap-start".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"))) return;
    before(client);
    client.restoreNext();
    try {
      Core.getGlobalContext().afterRestore(null);
    } catch (Throwable thrown) {
      fail(client, "/restore/error", "Runtime.AfterRestoreError", thrown);
    }
  }

  /** Ends the process; `loaded`, a file, says from then on that whatever else fails is ours. */
  static void fill(RuntimeClient client, String loaded) throws IOException {
    before(client);
    Rehearsal.warmUp();
    Files.createFile(Path.of(loaded));
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  private static void before(RuntimeClient client) throws IOException {
    try {
      Core.getGlobalContext().beforeCheckpoint(null);
    } catch (Throwable thrown) {
      fail(client, "/init/error", "Runtime.BeforeCheckpointError", thrown);
    }
    // What waits should hold no more memory than it needs.
    System.gc();
  }

  private static void fail(RuntimeClient client, String path, String kind, Throwable thrown)
      throws IOException {
    FunctionLogger.failure(FunctionFault.of(thrown).reportable());
    client.lastWord(path, FunctionFault.describe(thrown), kind);
    Runtime.getRuntime().halt(HOOK_FAILED);
  }
}
