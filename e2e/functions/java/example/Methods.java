// Handlers of every other form that AWS takes.
package example;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

public class Methods {
  public Person bean(Person person) {
    return person;
  }

  public static String text(String text, Context context) {
    return text + " for " + context.getFunctionName();
  }

  public int sum(List<Integer> numbers) {
    return numbers.stream().mapToInt(Integer::intValue).sum();
  }

  public boolean not(boolean value) {
    return !value;
  }

  public void nothing(Map<String, Person> people) {
    people.get("a").setAge(1);
  }

  public String alone() {
    return "alone";
  }

  public void stream(InputStream input, OutputStream output, Context context) throws IOException {
    output.write('[');
    input.transferTo(output);
    output.write((",\"" + context.getAwsRequestId() + "\"]").getBytes(StandardCharsets.UTF_8));
  }
}
