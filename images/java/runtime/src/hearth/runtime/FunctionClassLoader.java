// Where a function's classes come from, in AWS's order: its own folder, the jars in its lib folder,
// and those of layers. AWS's interfaces and the JDK come first, from this runtime.
package hearth.runtime;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

final class FunctionClassLoader extends URLClassLoader {
  static {
    registerAsParallelCapable();
  }

  private FunctionClassLoader(URL[] places) {
    super(places, ClassLoader.getSystemClassLoader());
  }

  static FunctionClassLoader ofEnvironment() {
    return new FunctionClassLoader(
        places().stream().map(FunctionClassLoader::url).toArray(URL[]::new));
  }

  /** The function's own folder, then jars. */
  static List<File> places() {
    File root = new File(System.getenv().getOrDefault("LAMBDA_TASK_ROOT", "/var/task"));
    List<File> places = new ArrayList<>(List.of(root));
    addJars(new File(root, "lib"), places);
    addJars(new File("/opt/java/lib"), places);
    return places;
  }

  private static void addJars(File folder, List<File> places) {
    File[] jars = folder.listFiles((in, name) -> name.endsWith(".jar"));
    if (jars == null) return;
    Arrays.sort(jars);
    places.addAll(Arrays.asList(jars));
  }

  static URL url(File place) {
    try {
      return place.toURI().toURL();
    } catch (MalformedURLException cause) {
      throw new IllegalStateException(cause);
    }
  }
}
