// Hooks failed before a snapshot; what each of them threw is suppressed in it.
package com.amazonaws.services.lambda.crac;

public class CheckpointException extends Exception {
  private static final long serialVersionUID = 1L;

  public CheckpointException() {}
}
