// The logger that functions get from their context, in AWS's formats: text as it is, or with its
// level in front; or one JSON object a message.
package hearth.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;

public final class FunctionLogger implements LambdaLogger {
  private static LogFormat format = LogFormat.TEXT;
  private static LogLevel least = LogLevel.UNDEFINED;
  private static volatile Context context;

  /** Once the function's environment is known. */
  static void setUp() {
    if (!"JSON".equals(System.getenv("AWS_LAMBDA_LOG_FORMAT"))) return;
    format = LogFormat.JSON;
    String level = System.getenv("AWS_LAMBDA_LOG_LEVEL");
    if (level != null) least = LogLevel.fromString(level);
  }

  static void setContext(Context current) {
    context = current;
  }

  /** An error that the platform reports. */
  static void failure(String text) {
    LambdaLogger logger = new FunctionLogger();
    logger.log(text, format == LogFormat.JSON ? LogLevel.ERROR : LogLevel.UNDEFINED);
  }

  @Override
  public void log(String message) {
    log(message, LogLevel.UNDEFINED);
  }

  @Override
  public void log(byte[] message) {
    log(message, LogLevel.UNDEFINED);
  }

  @Override
  public void log(String message, LogLevel level) {
    if (isFiltered(level)) return;
    if (format == LogFormat.JSON) Output.write(jsonLine(message, level));
    else Output.write(level == LogLevel.UNDEFINED ? message + "" : "[" + level + "] " + message);
  }

  /** Bytes are the function's own format. */
  @Override
  public void log(byte[] message, LogLevel level) {
    if (isFiltered(level)) return;
    Output.write(message == null ? "null".getBytes(StandardCharsets.UTF_8) : message);
  }

  private static boolean isFiltered(LogLevel level) {
    return level != LogLevel.UNDEFINED && level.compareTo(least) < 0;
  }

  private static String jsonLine(String message, LogLevel level) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("timestamp", JsonTime.FORMAT.format(Instant.now()));
    line.put("message", message);
    line.put("level", level.name());
    Context now = context;
    if (now != null) {
      line.put("AWSRequestId", now.getAwsRequestId());
      if (now.getTenantId() != null) line.put("tenantId", now.getTenantId());
    }
    return Json.write(line);
  }

  /** Loaded with the first line that needs it: it costs a start several milliseconds. */
  private static final class JsonTime {
    static final DateTimeFormatter FORMAT =
        DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  }
}
