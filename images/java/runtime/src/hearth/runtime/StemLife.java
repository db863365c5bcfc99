// From a stem to a function: the process takes the function's environment and directory, as if it
// had been started with them. The JDK reads its environment once, so its copy is replaced; it
// cannot change its directory at all, so ten lines of C do.
package hearth.runtime;

import java.lang.reflect.Field;
import java.util.Map;
import java.util.TimeZone;

final class StemLife {
  private StemLife() {}

  static void become(Map<String, String> environment) throws ReflectiveOperationException {
    Class<?> holder = Class.forName("java.lang.ProcessEnvironment");
    Field view = holder.getDeclaredField("theUnmodifiableEnvironment");
    view.setAccessible(true);
    Field behind = Class.forName("java.util.Collections$UnmodifiableMap").getDeclaredField("m");
    behind.setAccessible(true);
    @SuppressWarnings("unchecked")
    Map<String, String> variables = (Map<String, String>) behind.get(view.get(null));
    variables.clear();
    variables.putAll(environment);
    System.load("/var/runtime/libhearth.so");
    changeDirectory();
    TimeZone.setDefault(null);
  }

  /** To /var/task, where the code appeared after this process had started. */
  private static native void changeDirectory();
}
