// Plain JSON values into the types that a handler asks for, by the rules that AWS's Java runtime
// has from Jackson: unknown properties are ignored, unknown enum constants are null, null is zero
// for a primitive, a single value may stand for a list and the other way round.
package hearth.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

final class JsonBinder {
  /** What is made where a type is only an interface. */
  private static final Map<Class<?>, Class<?>> MADE =
      Map.of(
          Collection.class, ArrayList.class,
          Iterable.class, ArrayList.class,
          List.class, ArrayList.class,
          Set.class, LinkedHashSet.class,
          SortedSet.class, TreeSet.class,
          Queue.class, LinkedList.class,
          Map.class, LinkedHashMap.class,
          SortedMap.class, TreeMap.class);

  private JsonBinder() {}

  /** @throws IllegalArgumentException when the value does not fit the type. */
  static Object bind(Object value, Type type) {
    Class<?> raw = GenericTypes.raw(type);
    if (raw == Object.class) return value;
    if (raw == Optional.class) {
      return Optional.ofNullable(value == null ? null : bind(value, argument(type, raw, 0)));
    }
    if (value == null) return JsonScalars.zero(raw);
    if (Map.class.isAssignableFrom(raw)) return map(value, type, raw);
    if (Iterable.class.isAssignableFrom(raw) && (MADE.containsKey(raw) || isCollection(raw))) {
      return collection(value, type, raw);
    }
    boolean isBase64 = raw == byte[].class && value instanceof String;
    if (raw.isArray() && !isBase64) return array(value, type);
    if (value instanceof List<?> list && list.size() == 1) return bind(list.get(0), type);
    if (value instanceof List<?> list && list.isEmpty()) return JsonScalars.zero(raw);
    Object scalar = JsonScalars.bind(value, raw);
    if (scalar != JsonScalars.UNFIT) return scalar;
    if ("".equals(value)) return null;
    if (value instanceof Map<?, ?> members) return bean(members, type, raw);
    throw JsonScalars.mismatch(value, raw);
  }

  private static boolean isCollection(Class<?> raw) {
    return Collection.class.isAssignableFrom(raw);
  }

  private static Type argument(Type type, Class<?> wanted, int index) {
    List<Type> arguments = GenericTypes.argumentsOf(type, wanted);
    return arguments == null ? Object.class : arguments.get(index);
  }

  private static Object map(Object value, Type type, Class<?> raw) {
    if (!(value instanceof Map<?, ?> members)) {
      if ("".equals(value)) return null;
      throw JsonScalars.mismatch(value, raw);
    }
    Type keyType = argument(type, Map.class, 0);
    Type valueType = argument(type, Map.class, 1);
    @SuppressWarnings("unchecked")
    Map<Object, Object> made =
        keyType instanceof Class<?> key && key.isEnum() && raw == Map.class
            ? new LinkedHashMap<>()
            : (Map<Object, Object>) instance(raw);
    members.forEach((key, one) -> made.put(bind(key, keyType), bind(one, valueType)));
    return made;
  }

  private static Object collection(Object value, Type type, Class<?> raw) {
    Class<?> wanted = raw == Iterable.class ? Iterable.class : Collection.class;
    Type elementType = argument(type, wanted, 0);
    @SuppressWarnings("unchecked")
    Collection<Object> made = (Collection<Object>) instance(raw);
    for (Object one : elements(value)) made.add(bind(one, elementType));
    return made;
  }

  private static Object array(Object value, Type type) {
    Class<?> component = GenericTypes.raw(type).componentType();
    Type elementType =
        type instanceof java.lang.reflect.GenericArrayType generic
            ? generic.getGenericComponentType()
            : component;
    List<?> elements = elements(value);
    Object made = Array.newInstance(component, elements.size());
    for (int index = 0; index < elements.size(); index += 1) {
      Array.set(made, index, bind(elements.get(index), elementType));
    }
    return made;
  }

  private static List<?> elements(Object value) {
    if (value instanceof List<?> list) return list;
    return "".equals(value) ? List.of() : List.of(value);
  }

  private static Object instance(Class<?> raw) {
    Class<?> made = MADE.getOrDefault(raw, raw);
    if (made.isAssignableFrom(ArrayList.class)) return new ArrayList<>();
    return Bean.of(made).make();
  }

  private static Object bean(Map<?, ?> members, Type type, Class<?> raw) {
    Bean bean = Bean.of(raw);
    if (raw.isRecord()) return bean.makeRecord(recordValues(members, type, raw));
    if (raw.isInterface() || Modifier.isAbstract(raw.getModifiers())) {
      throw new IllegalArgumentException(
          "Cannot construct instance of `" + raw.getName()
              + "` (no Creators, like default constructor, exist): abstract types either need to be"
              + " mapped to concrete types, have custom deserializer, or contain additional type"
              + " information");
    }
    Object made = bean.make();
    members.forEach(
        (name, value) -> {
          Bean.Setter setter = bean.setter((String) name);
          if (setter == null) return;
          Object bound = bind(value, GenericTypes.resolve(setter.type(), type));
          Bean.unwrapped(
              () -> {
                setter.assignment().set(made, bound);
                return null;
              });
        });
    return made;
  }

  private static Object[] recordValues(Map<?, ?> members, Type type, Class<?> raw) {
    RecordComponent[] parts = raw.getRecordComponents();
    Object[] values = new Object[parts.length];
    for (int index = 0; index < parts.length; index += 1) {
      Type wanted = GenericTypes.resolve(parts[index].getGenericType(), type);
      values[index] = bind(members.get(parts[index].getName()), wanted);
    }
    return values;
  }
}
