// Something of a function's that wants to know when a snapshot is taken or restored, under the name
// by which AWS's runtime offers it to the org.crac library.
package com.amazonaws.services.lambda.crac;

public interface Resource {
  void beforeCheckpoint(Context<? extends Resource> context) throws Exception;

  void afterRestore(Context<? extends Resource> context) throws Exception;
}
