// The order of AWS: before a snapshot the last registered comes first, after a restore the first.
// All are told, whatever the others do, and what they threw is gathered. Like AWS's it holds
// resources weakly: org.crac keeps its own alive, and says so.
package com.amazonaws.services.lambda.crac;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

final class GlobalContext extends Context<Resource> {
  private interface Call {
    void to(Resource resource) throws Exception;
  }

  private final Map<Resource, Long> registered = new WeakHashMap<>();
  private long last;

  @Override
  public synchronized void register(Resource resource) {
    last += 1;
    registered.put(resource, last);
  }

  @Override
  public synchronized void beforeCheckpoint(Context<? extends Resource> context)
      throws CheckpointException {
    List<Resource> lastFirst = inOrder();
    Collections.reverse(lastFirst);
    List<Throwable> thrown = tell(lastFirst, resource -> resource.beforeCheckpoint(this));
    if (thrown.isEmpty()) return;
    CheckpointException all = new CheckpointException();
    thrown.forEach(all::addSuppressed);
    throw all;
  }

  @Override
  public synchronized void afterRestore(Context<? extends Resource> context)
      throws RestoreException {
    List<Throwable> thrown = tell(inOrder(), resource -> resource.afterRestore(this));
    if (thrown.isEmpty()) return;
    RestoreException all = new RestoreException();
    thrown.forEach(all::addSuppressed);
    throw all;
  }

  private List<Resource> inOrder() {
    List<Map.Entry<Resource, Long>> entries = new ArrayList<>(registered.entrySet());
    entries.sort(Map.Entry.comparingByValue());
    List<Resource> resources = new ArrayList<>();
    entries.forEach(entry -> resources.add(entry.getKey()));
    return resources;
  }

  private static List<Throwable> tell(List<Resource> resources, Call call) {
    List<Throwable> thrown = new ArrayList<>();
    for (Resource resource : resources) {
      try {
        call.to(resource);
      } catch (CheckpointException | RestoreException several) {
        Collections.addAll(thrown, several.getSuppressed());
      } catch (Exception one) {
        thrown.add(one);
      }
    }
    return thrown;
  }
}
