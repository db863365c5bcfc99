// Any object as JSON text, by the rules that AWS's Java runtime has from Jackson: beans by their
// getters and public fields, nulls included; enums by name; dates as numbers; bytes in Base64.
package hearth.runtime;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.temporal.TemporalAccessor;
import java.util.Base64;
import java.util.Calendar;
import java.util.Date;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;

final class JsonWriter {
  private static final char[] HEX = "0123456789ABCDEF".toCharArray();

  private final StringBuilder out = new StringBuilder(256);
  private int depth;

  private JsonWriter() {}

  static String write(Object value) {
    JsonWriter writer = new JsonWriter();
    writer.value(value);
    return writer.out.toString();
  }

  private void value(Object value) {
    if (value == null) out.append("null");
    else if (value instanceof CharSequence || value instanceof Character) text(value.toString());
    else if (value instanceof Boolean) out.append(value);
    else if (value instanceof Number number) number(number);
    else if (value instanceof Enum<?> constant) text(constant.name());
    else if (value instanceof byte[] bytes) text(Base64.getEncoder().encodeToString(bytes));
    else if (value instanceof Optional<?> maybe) value(maybe.orElse(null));
    else if (!time(value)) structure(value);
  }

  private void number(Number number) {
    double size = number.doubleValue();
    boolean isFloating = number instanceof Double || number instanceof Float;
    boolean isNumeral = !isFloating || Double.isFinite(size);
    if (isNumeral) out.append(number);
    else text(number.toString());
  }

  /** @return false when the value is none of the kinds that have a text or number of their own. */
  private boolean time(Object value) {
    if (value instanceof Date date) out.append(date.getTime());
    else if (value instanceof Calendar calendar) out.append(calendar.getTimeInMillis());
    else if (value instanceof Instant instant) {
      out.append(instant.getEpochSecond()).append(String.format(".%09d", instant.getNano()));
    } else if (value instanceof LocalDate date) {
      value(dateParts(date));
    } else if (value instanceof LocalTime || value instanceof LocalDateTime) {
      value(value instanceof LocalTime clock ? timeParts(clock) : bothParts((LocalDateTime) value));
    } else if (value instanceof TemporalAccessor || isText(value)) {
      text(value.toString());
    } else if (value instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      text(Base64.getEncoder().encodeToString(bytes));
    } else {
      return false;
    }
    return true;
  }

  /** Jackson's arrays of parts. */
  private static int[] dateParts(LocalDate date) {
    return new int[] {date.getYear(), date.getMonthValue(), date.getDayOfMonth()};
  }

  private static int[] timeParts(LocalTime time) {
    if (time.getNano() > 0) {
      return new int[] {time.getHour(), time.getMinute(), time.getSecond(), time.getNano()};
    }
    if (time.getSecond() == 0) return new int[] {time.getHour(), time.getMinute()};
    return new int[] {time.getHour(), time.getMinute(), time.getSecond()};
  }

  private static int[] bothParts(LocalDateTime both) {
    int[] date = dateParts(both.toLocalDate());
    int[] time = timeParts(both.toLocalTime());
    int[] parts = java.util.Arrays.copyOf(date, date.length + time.length);
    System.arraycopy(time, 0, parts, date.length, time.length);
    return parts;
  }

  private static boolean isText(Object value) {
    return value instanceof java.util.UUID
        || value instanceof java.net.URI
        || value instanceof java.net.URL
        || value instanceof java.util.Locale
        || value instanceof java.util.TimeZone
        || value instanceof java.io.File
        || value instanceof java.nio.file.Path
        || value instanceof java.time.Duration;
  }

  private void structure(Object value) {
    depth += 1;
    if (depth > Json.DEPTH_MAX) {
      throw new IllegalArgumentException("Infinite recursion (a value that contains itself)");
    }
    if (value instanceof Map<?, ?> map) object(map);
    else if (value instanceof Iterable<?> elements) array(elements.iterator());
    else if (value instanceof Iterator<?> elements) array(elements);
    else if (value.getClass().isArray()) array(iterate(value));
    else if (value instanceof Class<?> type) text(type.getName());
    else object(Bean.of(value.getClass()).read(value));
    depth -= 1;
  }

  private static Iterator<Object> iterate(Object array) {
    int length = java.lang.reflect.Array.getLength(array);
    return java.util.stream.IntStream.range(0, length)
        .mapToObj(index -> java.lang.reflect.Array.get(array, index))
        .iterator();
  }

  private void object(Map<?, ?> members) {
    out.append('{');
    boolean isFirst = true;
    for (Map.Entry<?, ?> member : members.entrySet()) {
      if (!isFirst) out.append(',');
      isFirst = false;
      Object name = member.getKey();
      text(name instanceof Enum<?> constant ? constant.name() : String.valueOf(name));
      out.append(':');
      value(member.getValue());
    }
    out.append('}');
  }

  private void array(Iterator<?> elements) {
    out.append('[');
    boolean isFirst = true;
    while (elements.hasNext()) {
      if (!isFirst) out.append(',');
      isFirst = false;
      value(elements.next());
    }
    out.append(']');
  }

  private void text(String text) {
    out.append('"');
    for (int index = 0; index < text.length(); index += 1) {
      char next = text.charAt(index);
      switch (next) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (next < ' ') out.append("\\u00").append(HEX[next >> 4]).append(HEX[next & 15]);
          else out.append(next);
        }
      }
    }
    out.append('"');
  }
}
