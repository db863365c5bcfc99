// What org.crac's own Core does, which functions bring along, in so many lines: it finds whoever
// takes snapshots by a property and by names, and hands it a proxy of each resource.
package org.crac;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

public final class Core {
  /** The runtime holds proxies weakly. */
  private static final List<Object> PROXIES = new ArrayList<>();

  private static final Context<Resource> GLOBAL =
      new Context<>() {
        @Override
        public void register(Resource resource) {
          try {
            hand(resource);
          } catch (ReflectiveOperationException cause) {
            throw new IllegalStateException(cause);
          }
        }

        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) {}

        @Override
        public void afterRestore(Context<? extends Resource> context) {}
      };

  private Core() {}

  public static Context<Resource> getGlobalContext() {
    return GLOBAL;
  }

  private static void hand(Resource resource) throws ReflectiveOperationException {
    String implementation = System.getProperty("org.crac.Core.Compat");
    Class<?> theirs = Class.forName(implementation + ".Resource");
    Object proxy =
        Proxy.newProxyInstance(
            Core.class.getClassLoader(),
            new Class<?>[] {theirs},
            (self, method, given) -> {
              switch (method.getName()) {
                case "beforeCheckpoint" -> resource.beforeCheckpoint(GLOBAL);
                case "afterRestore" -> resource.afterRestore(GLOBAL);
                case "hashCode" -> {
                  return System.identityHashCode(self);
                }
                case "equals" -> {
                  return self == given[0];
                }
                default -> throw new UnsupportedOperationException(method.getName());
              }
              return null;
            });
    PROXIES.add(proxy);
    Class<?> core = Class.forName(implementation + ".Core");
    Object context = core.getMethod("getGlobalContext").invoke(null);
    Class.forName(implementation + ".Context").getMethod("register", theirs).invoke(context, proxy);
  }
}
