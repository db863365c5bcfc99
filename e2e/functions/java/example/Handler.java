// Does what its event says: answers with all that it knows, logs, or fails in one of many ways.
package example;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  private int count;

  @Override
  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    count += 1;
    if (event.get("log") instanceof String text) {
      System.out.println(text);
      context.getLogger().log(text);
      context.getLogger().log(text, LogLevel.WARN);
    }
    if (event.containsKey("fail")) throw new IllegalStateException("no good", new Error("deeper"));
    if (event.containsKey("exit")) System.exit((Integer) event.get("exit"));
    if (event.containsKey("hang")) sleep();
    if (event.containsKey("hog")) hog();
    return describe(event, context);
  }

  private Map<String, Object> describe(Map<String, Object> event, Context context) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("count", count);
    answer.put("event", event);
    answer.put("id", context.getAwsRequestId());
    answer.put("name", context.getFunctionName());
    answer.put("version", context.getFunctionVersion());
    answer.put("arn", context.getInvokedFunctionArn());
    answer.put("memory", context.getMemoryLimitInMB());
    answer.put("group", context.getLogGroupName());
    answer.put("stream", context.getLogStreamName());
    answer.put("left", context.getRemainingTimeInMillis());
    ClientContext client = context.getClientContext();
    answer.put("client", client == null ? null : client.getCustom());
    answer.put("env", System.getenv());
    answer.put("stage", System.getenv("STAGE"));
    answer.put("heapMb", Runtime.getRuntime().maxMemory() >> 20);
    answer.put("java", Runtime.version().feature());
    answer.put("property", System.getProperty("from.options"));
    answer.put("hereByIo", new java.io.File("example/Handler.class").exists());
    answer.put("hereByNio", Files.exists(Path.of("example/Handler.class")));
    return answer;
  }

  private static void sleep() {
    try {
      Thread.sleep(60_000);
    } catch (InterruptedException cause) {
      throw new IllegalStateException(cause);
    }
  }

  private static void hog() {
    List<byte[]> kept = new ArrayList<>();
    while (true) kept.add(new byte[1 << 20]);
  }
}
