// Cannot be made: its constructor throws.
package example;

public class Broken {
  public Broken() {
    throw new IllegalArgumentException("broken at init");
  }

  public String handle(String event) {
    return event;
  }
}
