// AWS's runtime brings this type, so functions need not carry it; name and shape are the contract.
package com.amazonaws.services.lambda.runtime;

public interface RequestHandler<I, O> {
  O handleRequest(I input, Context context);
}
