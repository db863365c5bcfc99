// As org.crac's own, which functions bring along.
package org.crac;

public abstract class Context<R extends Resource> implements Resource {
  public abstract void register(R resource);
}
