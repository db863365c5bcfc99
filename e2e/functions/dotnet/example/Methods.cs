// Handlers of every other form that AWS takes, and of some that it refuses.
using System;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using Amazon.Lambda.Core;

namespace Example {
  public class Methods : Inherited {
    public static string Text(string text, ILambdaContext context) {
      return text + " for " + context.FunctionName;
    }

    public int Sum(int[] numbers) {
      int sum = 0;
      foreach (int number in numbers) sum += number;
      return sum;
    }

    public Stream Stream(Stream input, ILambdaContext context) {
      string text = new StreamReader(input).ReadToEnd();
      string answer = "[" + text + ",\"" + context.AwsRequestId + "\"]";
      return new MemoryStream(Encoding.UTF8.GetBytes(answer));
    }

    public async Task Silent(Request request) {
      await Task.Delay(1);
      if (request.Fail) throw new InvalidOperationException("not silent");
    }

    public string Alone() {
      return "alone";
    }

    public string Twice(string text) {
      return text + text;
    }

    public string Twice(int number) {
      return "" + number * 2;
    }

    [LambdaSerializer(typeof(ShoutingSerializer))]
    public string Shout(string text) {
      return text;
    }

    public void Three(string one, string two, string three) {
    }

    public async void Lost(string text) {
      await Task.Delay(1);
    }
  }

  public class Inherited {
    public string Above(ILambdaContext context) {
      return "above " + context.FunctionVersion;
    }
  }

  public class Broken {
    public Broken() {
      throw new ArgumentException("broken at init");
    }

    public string Handle(string text) {
      return text;
    }
  }
}
