// JSON as text and as plain objects: maps, lists, strings, numbers, booleans and null. Events are
// bounded by Lambda, and their depth here, so that none can exhaust the stack.
package hearth.runtime;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

final class Json {
  static final int DEPTH_MAX = 1000;

  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  /** Integers become Integer, Long or BigInteger, whichever holds them; other numbers Double. */
  static Object read(byte[] bytes) {
    Json reader = new Json(new String(bytes, StandardCharsets.UTF_8));
    Object value = reader.value(0);
    reader.space();
    if (reader.at < reader.text.length()) throw reader.unexpected();
    return value;
  }

  static String write(Object value) {
    return JsonWriter.write(value);
  }

  private Object value(int depth) {
    if (depth > DEPTH_MAX) throw new IllegalArgumentException("JSON is nested too deeply");
    space();
    char next = peek();
    switch (next) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return word("true", Boolean.TRUE);
      case 'f':
        return word("false", Boolean.FALSE);
      case 'n':
        return word("null", null);
      default:
        if (next == '-' || (next >= '0' && next <= '9')) return number();
        throw unexpected();
    }
  }

  private Map<String, Object> object(int depth) {
    Map<String, Object> members = new LinkedHashMap<>();
    at += 1;
    space();
    if (peek() == '}') {
      at += 1;
      return members;
    }
    while (true) {
      space();
      if (peek() != '"') throw unexpected();
      String name = string();
      space();
      expect(':');
      members.put(name, value(depth + 1));
      space();
      if (peek() == '}') break;
      expect(',');
    }
    at += 1;
    return members;
  }

  private List<Object> array(int depth) {
    List<Object> elements = new ArrayList<>();
    at += 1;
    space();
    if (peek() == ']') {
      at += 1;
      return elements;
    }
    while (true) {
      elements.add(value(depth + 1));
      space();
      if (peek() == ']') break;
      expect(',');
    }
    at += 1;
    return elements;
  }

  private String string() {
    int start = at + 1;
    int end = start;
    while (end < text.length() && text.charAt(end) != '"' && text.charAt(end) != '\\') end += 1;
    if (end < text.length() && text.charAt(end) == '"') {
      at = end + 1;
      return text.substring(start, end);
    }
    StringBuilder plain = new StringBuilder(text.substring(start, end));
    at = end;
    while (peek() != '"') plain.append(peek() == '\\' ? escaped() : text.charAt(at++));
    at += 1;
    return plain.toString();
  }

  private char escaped() {
    at += 1;
    char kind = peek();
    at += 1;
    switch (kind) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'u':
        if (at + 4 > text.length()) throw unexpected();
        at += 4;
        return (char) Integer.parseInt(text.substring(at - 4, at), 16);
      default:
        return kind;
    }
  }

  private Object number() {
    int start = at;
    boolean isWhole = true;
    for (; at < text.length(); at += 1) {
      char next = text.charAt(at);
      if (next == '.' || next == 'e' || next == 'E') isWhole = false;
      else if (next != '-' && next != '+' && (next < '0' || next > '9')) break;
    }
    String digits = text.substring(start, at);
    if (!isWhole) return Double.valueOf(digits);
    if (digits.length() > 18) return narrowest(new BigInteger(digits));
    long value = Long.parseLong(digits);
    if ((int) value == value) return (int) value;
    return value;
  }

  private static Object narrowest(BigInteger value) {
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  private Object word(String word, Object meaning) {
    if (!text.startsWith(word, at)) throw unexpected();
    at += word.length();
    return meaning;
  }

  private void space() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at += 1;
  }

  private char peek() {
    if (at >= text.length()) throw new IllegalArgumentException("Unexpected end of JSON");
    return text.charAt(at);
  }

  private void expect(char wanted) {
    if (peek() != wanted) throw unexpected();
    at += 1;
  }

  private IllegalArgumentException unexpected() {
    return new IllegalArgumentException(
        "Unexpected character '" + text.charAt(at) + "' at position " + at + " of the JSON text");
  }
}
