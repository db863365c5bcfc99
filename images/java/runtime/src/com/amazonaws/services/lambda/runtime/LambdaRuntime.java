// AWS's runtime brings this type, so functions need not carry it; name and shape are the contract.
package com.amazonaws.services.lambda.runtime;

public final class LambdaRuntime {
  private static final LambdaLogger LOGGER = new hearth.runtime.FunctionLogger();

  private LambdaRuntime() {}

  public static LambdaLogger getLogger() {
    return LOGGER;
  }
}
