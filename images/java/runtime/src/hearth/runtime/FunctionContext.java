// The context object that a handler receives: names and shapes as AWS documents them.
package hearth.runtime;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

final class FunctionContext implements Context {
  private final RuntimeClient.Invocation invocation;
  private final long deadline;
  private final CognitoIdentity identity;
  private final ClientContext clientContext;

  FunctionContext(RuntimeClient.Invocation invocation) {
    this.invocation = invocation;
    String deadlineMs = invocation.header("lambda-runtime-deadline-ms");
    deadline = deadlineMs == null ? 0 : Long.parseLong(deadlineMs);
    Map<?, ?> cognito = read("lambda-runtime-cognito-identity");
    identity = cognito == null ? null : new Identity(cognito);
    Map<?, ?> client = read("lambda-runtime-client-context");
    clientContext = client == null ? null : new ClientFacts(client);
  }

  private Map<?, ?> read(String header) {
    String text = invocation.header(header);
    if (text == null || text.isEmpty()) return null;
    return (Map<?, ?>) Json.read(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public String getAwsRequestId() {
    return invocation.header("lambda-runtime-aws-request-id");
  }

  @Override
  public String getLogGroupName() {
    return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
  }

  @Override
  public String getLogStreamName() {
    return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
  }

  @Override
  public String getFunctionName() {
    return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
  }

  @Override
  public String getFunctionVersion() {
    return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
  }

  @Override
  public String getInvokedFunctionArn() {
    return invocation.header("lambda-runtime-invoked-function-arn");
  }

  @Override
  public String getTenantId() {
    return invocation.header("lambda-runtime-aws-tenant-id");
  }

  @Override
  public String getXrayTraceId() {
    return invocation.header("lambda-runtime-trace-id");
  }

  @Override
  public CognitoIdentity getIdentity() {
    return identity;
  }

  @Override
  public ClientContext getClientContext() {
    return clientContext;
  }

  @Override
  public int getRemainingTimeInMillis() {
    return Math.max((int) (deadline - System.currentTimeMillis()), 0);
  }

  @Override
  public int getMemoryLimitInMB() {
    return Integer.parseInt(System.getenv().getOrDefault("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"));
  }

  @Override
  public LambdaLogger getLogger() {
    return LambdaRuntime.getLogger();
  }

  private static String text(Map<?, ?> from, String name) {
    Object value = from.get(name);
    return value == null ? null : value.toString();
  }

  private static Map<String, String> texts(Object from) {
    if (!(from instanceof Map<?, ?> map)) return null;
    Map<String, String> texts = new HashMap<>();
    for (Object name : map.keySet()) texts.put(name.toString(), text(map, name.toString()));
    return texts;
  }

  private record Identity(Map<?, ?> told) implements CognitoIdentity {
    @Override
    public String getIdentityId() {
      return text(told, "cognitoIdentityId");
    }

    @Override
    public String getIdentityPoolId() {
      return text(told, "cognitoIdentityPoolId");
    }
  }

  private record ClientFacts(Map<?, ?> told) implements ClientContext {
    @Override
    public Client getClient() {
      return told.get("client") instanceof Map<?, ?> client ? new Application(client) : null;
    }

    @Override
    public Map<String, String> getCustom() {
      return texts(told.get("custom"));
    }

    @Override
    public Map<String, String> getEnvironment() {
      return texts(told.get("env"));
    }
  }

  private record Application(Map<?, ?> told) implements Client {
    @Override
    public String getInstallationId() {
      return text(told, "installation_id");
    }

    @Override
    public String getAppTitle() {
      return text(told, "app_title");
    }

    @Override
    public String getAppVersionName() {
      return text(told, "app_version_name");
    }

    @Override
    public String getAppVersionCode() {
      return text(told, "app_version_code");
    }

    @Override
    public String getAppPackageName() {
      return text(told, "app_package_name");
    }
  }
}
