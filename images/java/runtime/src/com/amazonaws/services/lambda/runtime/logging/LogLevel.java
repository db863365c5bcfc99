// AWS's runtime brings this type, so functions need not carry it; name and shape are the contract.
package com.amazonaws.services.lambda.runtime.logging;

public enum LogLevel {
  /** Of messages that were logged without a level: they are never filtered. */
  UNDEFINED,
  TRACE,
  DEBUG,
  INFO,
  WARN,
  ERROR,
  FATAL;

  public static LogLevel fromString(String level) {
    try {
      return valueOf(level.toUpperCase());
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "Invalid log level: '" + level
              + "' expected one of [TRACE, DEBUG, INFO, WARN, ERROR, FATAL]");
    }
  }
}
