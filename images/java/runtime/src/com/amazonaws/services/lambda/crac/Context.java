// Where resources are registered, and who tells them. org.crac, which functions bring along, looks
// for this class and its method by name.
package com.amazonaws.services.lambda.crac;

public abstract class Context<R extends Resource> implements Resource {
  protected Context() {}

  @Override
  public abstract void beforeCheckpoint(Context<? extends Resource> context)
      throws CheckpointException;

  @Override
  public abstract void afterRestore(Context<? extends Resource> context) throws RestoreException;

  /** It is told for as long as somebody else holds it, too. */
  public abstract void register(R resource);
}
