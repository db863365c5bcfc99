// The class path of a SnapStart version with a cache. The machine archives only what its own loader
// finds in jars that it was started with, and functions mostly come as folders: so the classes of
// such a folder are packed into a jar of the cache, and the folder follows that jar on the path,
// where everything that is no class is found, as a file and in AWS's order.
package hearth.runtime;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.net.URL;
import java.net.URLStreamHandlerFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

public final class CachePlaces {
  private static final String OURS = "/var/runtime/hearth-java.jar";
  private static final String JAR = "classes.jar";
  /** One line: what the machine is to be started with. */
  private static final String LIST = "places";
  /** The earliest that a zip can say. */
  private static final long WHENEVER = 315_619_200_000L;

  private CachePlaces() {}

  /** Packs the function's classes into the cache that is named, and lists its places there. */
  public static void main(String[] arguments) throws IOException {
    Path cache = Path.of(arguments[0]);
    List<File> places = FunctionClassLoader.places();
    List<String> path = new ArrayList<>(List.of(OURS));
    if (pack(places.get(0).toPath(), cache.resolve(JAR))) path.add(cache.resolve(JAR).toString());
    places.subList(1, places.size()).forEach(place -> path.add(place.getPath()));
    if (path.stream().anyMatch(place -> place.contains(File.pathSeparator))) System.exit(1);
    String line = String.join(File.pathSeparator, path) + "\n";
    Files.write(cache.resolve(LIST), line.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Has the machine's own loader find what a FunctionClassLoader would, in the same order.
   * @throws ReflectiveOperationException where the machine has another loader than we know.
   */
  static ClassLoader open(String cache) throws ReflectiveOperationException {
    ClassLoader loader = ClassLoader.getSystemClassLoader();
    List<File> files = new ArrayList<>(List.of(new File(OURS), new File(cache, JAR)));
    files.addAll(FunctionClassLoader.places());
    URL[] urls = files.stream().map(FunctionClassLoader::url).toArray(URL[]::new);
    Field field = loader.getClass().getSuperclass().getDeclaredField("ucp");
    field.setAccessible(true);
    field.set(loader, pathOf(urls, field.getType()));
    return loader;
  }

  private static Object pathOf(URL[] urls, Class<?> type) throws ReflectiveOperationException {
    for (Constructor<?> of : type.getDeclaredConstructors()) {
      Class<?>[] parameters = of.getParameterTypes();
      // Up to Java 23 the second one is a policy, of which there is none.
      boolean isIt = parameters[0] == URL[].class && parameters.length <= 2;
      if (!isIt || List.of(parameters).contains(URLStreamHandlerFactory.class)) continue;
      of.setAccessible(true);
      Object[] given = new Object[parameters.length];
      given[0] = urls;
      return of.newInstance(given);
    }
    throw new NoSuchMethodException(type.getName());
  }

  /** @return whether there are any classes in the folder itself. */
  private static boolean pack(Path root, Path jar) throws IOException {
    List<Path> classes;
    try (Stream<Path> files = Files.walk(root)) {
      classes = files.filter(file -> isClass(root.relativize(file).toString())).sorted().toList();
    }
    if (classes.isEmpty()) return false;
    try (JarOutputStream packed = new JarOutputStream(Files.newOutputStream(jar))) {
      // They are read more often than they are written, and a machine maps most of them anyway.
      packed.setLevel(0);
      for (Path file : classes) {
        ZipEntry entry = new ZipEntry(root.relativize(file).toString());
        entry.setTime(WHENEVER);
        packed.putNextEntry(entry);
        Files.copy(file, packed);
        packed.closeEntry();
      }
    }
    return true;
  }

  private static boolean isClass(String name) {
    return name.endsWith(".class") && !name.startsWith("META-INF/") && !name.startsWith(".");
  }
}
