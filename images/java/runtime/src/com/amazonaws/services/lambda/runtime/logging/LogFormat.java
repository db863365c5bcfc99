// AWS's runtime brings this type, so functions need not carry it; name and shape are the contract.
package com.amazonaws.services.lambda.runtime.logging;

public enum LogFormat {
  JSON,
  TEXT;

  public static LogFormat fromString(String format) {
    try {
      return valueOf(format.toUpperCase());
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "Invalid log format: '" + format + "' expected one of [JSON, TEXT]");
    }
  }
}
