// The types that are one JSON value: texts, numbers, enums, dates, bytes. Numbers may be written as
// texts and texts as numbers, as Jackson allows.
package hearth.runtime;

import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Base64;
import java.util.Calendar;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.Map;

final class JsonScalars {
  /** Says that a type is no scalar, since null can be a scalar's value. */
  static final Object UNFIT = new Object();

  private JsonScalars() {}

  /** What stands for null. */
  static Object zero(Class<?> type) {
    if (!type.isPrimitive()) return null;
    if (type == boolean.class) return false;
    return type == char.class ? (Object) '\0' : number(0, type);
  }

  /** @return UNFIT when the type is none of those here. */
  static Object bind(Object value, Class<?> type) {
    boolean isText = value instanceof String;
    if (type.isInstance(value) && !(value instanceof Map)) return value;
    if (value instanceof Map || value instanceof List) {
      if (type == String.class || isNumeric(type)) throw mismatch(value, type);
      return UNFIT;
    }
    if (type == String.class || type == CharSequence.class) return value.toString();
    if (type == boolean.class || type == Boolean.class) return bool(value, type);
    if (type == char.class || type == Character.class) return character(value, type);
    if (isNumeric(type)) return numeral(value, type);
    if (type.isEnum()) return constant(value, type);
    if (Date.class.isAssignableFrom(type) || type == Calendar.class) return date(value, type);
    if (type == byte[].class && isText) return Base64.getDecoder().decode((String) value);
    if (type == ByteBuffer.class && isText) {
      return ByteBuffer.wrap(Base64.getDecoder().decode((String) value));
    }
    if (type == Instant.class && value instanceof Number number) return instant(number);
    return isText ? parsed((String) value, type) : UNFIT;
  }

  static IllegalArgumentException mismatch(Object value, Class<?> type) {
    String token =
        value instanceof Map
            ? "Object value (token `JsonToken.START_OBJECT`)"
            : value instanceof List
                ? "Array value (token `JsonToken.START_ARRAY`)"
                : value instanceof String text ? "String \"" + text + "\"" : value.toString();
    return new IllegalArgumentException(
        "Cannot deserialize value of type `" + type.getName() + "` from " + token);
  }

  private static boolean isNumeric(Class<?> type) {
    return Number.class.isAssignableFrom(type)
        || (type.isPrimitive() && type != boolean.class && type != char.class);
  }

  private static Object bool(Object value, Class<?> type) {
    if (value instanceof Boolean) return value;
    if (value instanceof Number number) return number.doubleValue() != 0;
    String text = value.toString().trim();
    if (text.isEmpty()) return zero(type);
    if (text.equalsIgnoreCase("true") || text.equalsIgnoreCase("false")) {
      return Boolean.valueOf(text);
    }
    throw mismatch(value, type);
  }

  private static Object character(Object value, Class<?> type) {
    if (value instanceof Number number) return (char) number.intValue();
    String text = value.toString();
    if (text.isEmpty()) return zero(type);
    if (text.length() == 1) return text.charAt(0);
    throw mismatch(value, type);
  }

  private static Object numeral(Object value, Class<?> type) {
    if (value instanceof Number number) return number(number, type);
    if (!(value instanceof String text)) throw mismatch(value, type);
    if (text.isBlank()) return zero(type);
    try {
      return number(new BigDecimal(text.trim()), type);
    } catch (NumberFormatException cause) {
      throw mismatch(value, type);
    }
  }

  private static Object number(Number value, Class<?> type) {
    BigDecimal exact = value instanceof BigDecimal given ? given : new BigDecimal(value.toString());
    if (type == double.class || type == Double.class) return value.doubleValue();
    if (type == float.class || type == Float.class) return value.floatValue();
    if (type == BigDecimal.class) return exact;
    if (type == BigInteger.class) return exact.toBigInteger();
    BigInteger whole = exact.toBigInteger();
    if (type == long.class || type == Long.class) return whole.longValueExact();
    if (type == int.class || type == Integer.class) return whole.intValueExact();
    if (type == short.class || type == Short.class) return whole.shortValueExact();
    if (type == byte.class || type == Byte.class) return whole.byteValueExact();
    if (type == java.util.concurrent.atomic.AtomicInteger.class) {
      return new java.util.concurrent.atomic.AtomicInteger(whole.intValueExact());
    }
    if (type == java.util.concurrent.atomic.AtomicLong.class) {
      return new java.util.concurrent.atomic.AtomicLong(whole.longValueExact());
    }
    return value;
  }

  private static Object constant(Object value, Class<?> type) {
    Object[] constants = type.getEnumConstants();
    if (value instanceof Integer index) {
      return index >= 0 && index < constants.length ? constants[index] : null;
    }
    for (Object one : constants) if (((Enum<?>) one).name().equals(value)) return one;
    return null;
  }

  private static Object date(Object value, Class<?> type) {
    Instant instant =
        value instanceof Number number
            ? Instant.ofEpochMilli(number.longValue())
            : DateTexts.parse(value.toString());
    if (instant == null) throw mismatch(value, type);
    if (type == Date.class) return Date.from(instant);
    if (type != Calendar.class) return UNFIT;
    Calendar calendar = new GregorianCalendar();
    calendar.setTimeInMillis(instant.toEpochMilli());
    return calendar;
  }

  private static Instant instant(Number seconds) {
    BigDecimal exact = new BigDecimal(seconds.toString());
    long whole = exact.longValue();
    return Instant.ofEpochSecond(
        whole, exact.subtract(BigDecimal.valueOf(whole)).movePointRight(9).longValue());
  }

  /** Types that read themselves: java.time, UUID, URI and their like. */
  private static Object parsed(String text, Class<?> type) {
    if (text.isEmpty()) return null;
    if (type.getName().startsWith("java.time.")) return parsedTime(text, type);
    if (type == java.util.UUID.class) return java.util.UUID.fromString(text);
    if (type == java.net.URI.class) return java.net.URI.create(text);
    if (type == java.util.Locale.class) return java.util.Locale.forLanguageTag(text);
    if (type == java.io.File.class) return new java.io.File(text);
    return UNFIT;
  }

  private static Object parsedTime(String text, Class<?> type) {
    Method method;
    try {
      method = type.getMethod("parse", CharSequence.class);
    } catch (NoSuchMethodException none) {
      return UNFIT;
    }
    return Bean.unwrapped(() -> method.invoke(null, text));
  }

  /** Loaded with the first date that is a text. */
  private static final class DateTexts {
    static Instant parse(String text) {
      try {
        return java.time.OffsetDateTime.parse(text).toInstant();
      } catch (java.time.DateTimeException notWhole) {
        try {
          return java.time.LocalDate.parse(text).atStartOfDay(java.time.ZoneOffset.UTC).toInstant();
        } catch (java.time.DateTimeException neither) {
          return null;
        }
      }
    }
  }
}
