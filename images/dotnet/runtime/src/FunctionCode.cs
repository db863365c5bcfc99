// A function that was found and can be called: bytes in, bytes out. A method may take an event, a
// context, both or neither, and may answer at once, through a task, or not at all.
using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks;

namespace Hearth.Runtime {
  internal sealed class FunctionCode {
    private const string ContextName = "Amazon.Lambda.Core.ILambdaContext";

    private readonly object target;
    private readonly MethodInfo method;
    private readonly object serializer;
    /// <summary>Null where the method takes no event, or no context.</summary>
    private readonly Func<Stream, object> read;
    private readonly Type contextType;
    /// <summary>Null where nothing is answered.</summary>
    private readonly Action<object, MemoryStream> write;
    private readonly PropertyInfo result;

    /// <exception cref="LambdaValidationException">A parameter that AWS would not fill.</exception>
    internal FunctionCode(object target, MethodInfo method, Serializer serializer) {
      this.target = target;
      this.method = method;
      this.serializer = serializer.Instance;
      Type[] takes = Array.ConvertAll(method.GetParameters(), one => one.ParameterType);
      string unusable =
        "Method '" + method.Name + "' of type '" + method.DeclaringType.FullName
        + "' is not supported: the method has ";
      if (takes.Length > 2) {
        throw new LambdaValidationException(unusable + "more than 2 parameters.");
      }
      if (takes.Length == 2 && takes[1].FullName != ContextName) {
        throw new LambdaValidationException(unusable
          + "2 parameters, but the second parameter is not of type '" + ContextName + "'.");
      }
      contextType = takes.FirstOrDefault(one => one.FullName == ContextName);
      if (takes.Length > 0 && takes[0] != contextType) read = serializer.Reading(takes[0]);
      Type answers = method.ReturnType;
      Type task = TaskWithResult(answers);
      if (task != null) {
        result = task.GetProperty("Result");
        answers = task.GetGenericArguments()[0];
      }
      bool isSilent = answers == typeof(void)
        || (task == null && typeof(Task).IsAssignableFrom(answers));
      if (!isSilent) write = serializer.Writing(answers);
    }

    /// <exception cref="Exception">Whatever the function or its serializer has thrown.</exception>
    internal ArraySegment<byte> Invoke(Invocation invocation) {
      var arguments = new object[method.GetParameters().Length];
      if (read != null) arguments[0] = read(new MemoryStream(invocation.Body, false));
      if (contextType != null) {
        arguments[arguments.Length - 1] =
          FunctionContext.Make(contextType, invocation, serializer);
      }
      object answer = Call(method, target, arguments);
      var task = answer as Task;
      if (task != null) {
        task.GetAwaiter().GetResult();
        if (result != null) answer = result.GetValue(task, null);
      }
      var output = new MemoryStream();
      if (write != null) write(answer, output);
      // A serializer may have closed it; its bytes are there all the same.
      byte[] bytes = output.ToArray();
      return new ArraySegment<byte>(bytes);
    }

    /// <summary>Calls a method; what it throws comes as it was thrown.</summary>
    internal static object Call(MethodInfo method, object target, object[] arguments) {
      try {
        return method.Invoke(target, arguments);
      } catch (TargetInvocationException wrapped) {
        ExceptionDispatchInfo.Capture(wrapped.InnerException ?? wrapped).Throw();
        throw;
      }
    }

    private static Type TaskWithResult(Type type) {
      for (; type != null; type = type.BaseType) {
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Task<>)) return type;
      }
      return null;
    }
  }
}
