// AWS's runtime brings this type, so functions need not carry it; name and shape are the contract.
package com.amazonaws.services.lambda.runtime;

public final class LambdaRuntimeInternal {
  private static boolean useLog4jAppender;

  private LambdaRuntimeInternal() {}

  public static void setUseLog4jAppender(boolean use) {
    useLog4jAppender = use;
  }

  public static boolean getUseLog4jAppender() {
    return useLog4jAppender;
  }
}
