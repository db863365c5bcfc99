// The properties of a class by the JavaBeans rules that AWS's Java runtime has from Jackson: public
// getters and fields are written, setters of any visibility and public fields are read into,
// records by their components. What a class is like is found out once.
package hearth.runtime;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

final class Bean {
  /** Reads a property of an object. */
  private interface Getter {
    Object get(Object of) throws ReflectiveOperationException;
  }

  /** Sets a property of an object; `type` is what the class declares. */
  record Setter(Type type, Assignment assignment) {
    interface Assignment {
      void set(Object of, Object value) throws ReflectiveOperationException;
    }
  }

  private static final ClassValue<Bean> KNOWN =
      new ClassValue<>() {
        @Override
        protected Bean computeValue(Class<?> type) {
          return new Bean(type);
        }
      };
  /** AWS's event classes name their properties in other cases than their JSON does. */
  private static final String EVENTS = "com.amazonaws.services.lambda.runtime.events.";

  private final Class<?> type;
  private final Map<String, Getter> getters = new LinkedHashMap<>();
  private final Map<String, Setter> setters;

  private Bean(Class<?> type) {
    this.type = type;
    boolean anyCase = type.getName().startsWith(EVENTS);
    setters = anyCase ? new TreeMap<>(String.CASE_INSENSITIVE_ORDER) : new LinkedHashMap<>();
    Map<String, Getter> found = new LinkedHashMap<>();
    List<String> order = new ArrayList<>();
    for (Class<?> at = type; at != null && at != Object.class; at = at.getSuperclass()) {
      for (Field field : at.getDeclaredFields()) addField(field, order, found);
      for (Method method : at.getDeclaredMethods()) addSetter(method);
    }
    // A getter counts for more than the field behind it.
    for (Method method : type.getMethods()) addGetter(method, found);
    if (type.isRecord()) {
      for (RecordComponent part : type.getRecordComponents()) {
        found.put(part.getName(), getter(part.getAccessor()));
      }
    }
    // As Jackson does: in the order of the fields, then what has none.
    for (String name : order) if (found.containsKey(name)) getters.put(name, found.get(name));
    getters.putAll(new TreeMap<>(found));
  }

  static Bean of(Class<?> type) {
    return KNOWN.get(type);
  }

  /** The values of all properties, in their order. */
  Map<String, Object> read(Object bean) {
    Map<String, Object> values = new LinkedHashMap<>();
    getters.forEach((name, getter) -> values.put(name, unwrapped(() -> getter.get(bean))));
    return values;
  }

  /** The property of this name, or null. */
  Setter setter(String name) {
    return setters.get(name);
  }

  /** A new object; of a record, see `makeRecord`. */
  Object make() {
    return unwrapped(
        () -> {
          Constructor<?> constructor;
          try {
            constructor = type.getDeclaredConstructor();
          } catch (NoSuchMethodException cause) {
            throw new IllegalArgumentException(
                "Cannot construct instance of `" + type.getName()
                    + "` (no Creators, like default constructor, exist)");
          }
          constructor.setAccessible(true);
          return constructor.newInstance();
        });
  }

  Object makeRecord(Object[] values) {
    Class<?>[] types =
        Arrays.stream(type.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    return unwrapped(
        () -> {
          Constructor<?> constructor = type.getDeclaredConstructor(types);
          constructor.setAccessible(true);
          return constructor.newInstance(values);
        });
  }

  private void addField(Field field, List<String> order, Map<String, Getter> found) {
    int modifiers = field.getModifiers();
    if (Modifier.isStatic(modifiers) || field.isSynthetic()) return;
    order.add(field.getName());
    if (!Modifier.isPublic(modifiers) || Modifier.isTransient(modifiers)) return;
    field.trySetAccessible();
    found.putIfAbsent(field.getName(), field::get);
    setters.putIfAbsent(field.getName(), new Setter(field.getGenericType(), field::set));
  }

  private void addSetter(Method method) {
    String name = method.getName();
    boolean isSetter =
        name.startsWith("set") && name.length() > 3 && method.getParameterCount() == 1;
    if (!isSetter || Modifier.isStatic(method.getModifiers()) || method.isBridge()) return;
    method.trySetAccessible();
    Setter setter = new Setter(method.getGenericParameterTypes()[0], method::invoke);
    setters.put(property(name, 3), setter);
  }

  private static void addGetter(Method method, Map<String, Getter> found) {
    Class<?> result = method.getReturnType();
    boolean isProperty =
        method.getParameterCount() == 0
            && result != void.class
            && !Modifier.isStatic(method.getModifiers())
            && method.getDeclaringClass() != Object.class;
    if (!isProperty || method.isBridge()) return;
    String name = method.getName();
    boolean isQuestion = result == boolean.class || result == Boolean.class;
    if (name.startsWith("get") && name.length() > 3) found.put(property(name, 3), getter(method));
    else if (name.startsWith("is") && name.length() > 2 && isQuestion) {
      found.put(property(name, 2), getter(method));
    }
  }

  private static Getter getter(Method method) {
    method.trySetAccessible();
    return method::invoke;
  }

  /** The JavaBeans rule: `getUrl` is url, and `getURL` is URL. */
  private static String property(String method, int prefix) {
    String name = method.substring(prefix);
    boolean isAcronym =
        name.length() > 1
            && Character.isUpperCase(name.charAt(0))
            && Character.isUpperCase(name.charAt(1));
    return isAcronym ? name : Character.toLowerCase(name.charAt(0)) + name.substring(1);
  }

  interface Reflection<T> {
    T run() throws ReflectiveOperationException;
  }

  /** What a getter, setter or constructor throws is the reason that is told. */
  static <T> T unwrapped(Reflection<T> work) {
    try {
      return work.run();
    } catch (InvocationTargetException wrapped) {
      Throwable cause = wrapped.getCause();
      throw new IllegalArgumentException(cause.getMessage(), cause);
    } catch (ReflectiveOperationException cause) {
      throw new IllegalArgumentException(cause.getMessage(), cause);
    }
  }
}
