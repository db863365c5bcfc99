// Hooks failed after a restore; what each of them threw is suppressed in it.
package com.amazonaws.services.lambda.crac;

public class RestoreException extends Exception {
  private static final long serialVersionUID = 1L;

  public RestoreException() {}
}
