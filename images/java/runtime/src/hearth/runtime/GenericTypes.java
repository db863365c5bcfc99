// What a type variable stands for: `class Greeter implements RequestHandler<Map<String, Person>,
// String>` is told its input here, and a bean of `Box<Person>` the type of its content. Pure.
package hearth.runtime;

import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

final class GenericTypes {
  private GenericTypes() {}

  /** A parameterised type whose arguments are known. */
  record Known(Class<?> raw, Type[] arguments) implements ParameterizedType {
    @Override
    public Type[] getActualTypeArguments() {
      return arguments;
    }

    @Override
    public Type getRawType() {
      return raw;
    }

    @Override
    public Type getOwnerType() {
      return raw.getDeclaringClass();
    }
  }

  static Class<?> raw(Type type) {
    if (type instanceof Class<?> plain) return plain;
    if (type instanceof ParameterizedType generic) return (Class<?>) generic.getRawType();
    if (type instanceof WildcardType wild) return raw(wild.getUpperBounds()[0]);
    if (type instanceof TypeVariable<?> variable) return raw(variable.getBounds()[0]);
    Type component = ((GenericArrayType) type).getGenericComponentType();
    return raw(component).arrayType();
  }

  /** A member's type, seen from the type that has the member. */
  static Type resolve(Type member, Type owner) {
    return member instanceof Class<?> ? member : substitute(member, variablesOf(owner));
  }

  /** What `type` gives for the variables of its supertype `wanted`; null where it gives nothing. */
  static List<Type> argumentsOf(Type type, Class<?> wanted) {
    Class<?> raw = raw(type);
    if (raw == wanted) {
      if (!(type instanceof ParameterizedType)) return null;
      Map<TypeVariable<?>, Type> variables = variablesOf(type);
      return Arrays.stream(wanted.getTypeParameters())
          .map(variable -> variables.getOrDefault(variable, variable.getBounds()[0]))
          .toList();
    }
    if (!wanted.isAssignableFrom(raw)) return null;
    for (Type above : raw.getGenericInterfaces()) {
      List<Type> found = argumentsOf(resolve(above, type), wanted);
      if (found != null) return found;
    }
    Type above = raw.getGenericSuperclass();
    return above == null ? null : argumentsOf(resolve(above, type), wanted);
  }

  /** All that a type says of variables, its superclasses' included. */
  private static Map<TypeVariable<?>, Type> variablesOf(Type type) {
    Map<TypeVariable<?>, Type> known = new HashMap<>();
    Type at = type;
    while (at != null && at != Object.class) {
      Class<?> raw = raw(at);
      if (at instanceof ParameterizedType generic) {
        TypeVariable<?>[] names = raw.getTypeParameters();
        Type[] arguments = generic.getActualTypeArguments();
        for (int index = 0; index < names.length; index += 1) {
          known.put(names[index], arguments[index]);
        }
      }
      Type above = raw.getGenericSuperclass();
      at = above == null ? null : substitute(above, known);
    }
    return known;
  }

  private static Type substitute(Type type, Map<TypeVariable<?>, Type> known) {
    if (type instanceof TypeVariable<?> variable) {
      return known.getOrDefault(variable, variable.getBounds()[0]);
    }
    if (type instanceof WildcardType wild) return substitute(wild.getUpperBounds()[0], known);
    if (type instanceof GenericArrayType array) {
      return raw(substitute(array.getGenericComponentType(), known)).arrayType();
    }
    if (!(type instanceof ParameterizedType generic)) return type;
    Type[] arguments =
        Arrays.stream(generic.getActualTypeArguments())
            .map(argument -> substitute(argument, known))
            .toArray(Type[]::new);
    return new Known((Class<?>) generic.getRawType(), arguments);
  }
}
