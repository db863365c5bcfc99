// Finds the function's handler, `Assembly::Namespace.Class::Method`, by AWS's rules and with its
// words where one is broken, and makes the object that it belongs to.
using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Hearth.Runtime {
  internal static class FunctionFinder {
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Public
      | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;
    private const string Format = "The valid format is 'ASSEMBLY::TYPE::METHOD'.";

    internal static string TaskRoot {
      get {
        string root = Environment.GetEnvironmentVariable("LAMBDA_TASK_ROOT");
        return string.IsNullOrEmpty(root) ? "/var/task" : root;
      }
    }

    /// <exception cref="LambdaValidationException">The handler is none.</exception>
    internal static FunctionCode Find(string handler) {
      string[] parts = PartsOf(handler);
      Assembly assembly = Load(parts[0]);
      Type type = assembly.GetType(parts[1]);
      if (type == null) {
        throw Invalid("Unable to load type '" + parts[1] + "' from assembly '" + parts[0] + "'.");
      }
      MethodInfo method = MethodOf(type, parts[2]);
      if (method == null) {
        throw Invalid(
          "Unable to find method '" + parts[2] + "' in type '" + parts[1] + "' from assembly '"
          + parts[0] + "': Found no methods matching method name '" + parts[2] + "'.");
      }
      Validate(method);
      object target = Make(type, method);
      return new FunctionCode(target, method, Serializer.Of(method, assembly, parts[0]));
    }

    private static string[] PartsOf(string handler) {
      if (string.IsNullOrEmpty(handler)) throw Invalid("Empty lambda function handler. " + Format);
      string[] parts = handler.Split(new[] { "::" }, 3, StringSplitOptions.None);
      if (parts.Length != 3) {
        throw Invalid("Invalid lambda function handler: '" + handler + "'. " + Format);
      }
      string[] names = { "assembly", "type", "method" };
      for (int at = 0; at < parts.Length; at += 1) {
        parts[at] = parts[at].Trim();
        if (parts[at] != "") continue;
        throw Invalid("Invalid lambda function handler: '" + handler + "', the " + names[at]
          + " is missing. " + Format);
      }
      return parts;
    }

    private static Assembly Load(string name) {
      string path = Path.Combine(TaskRoot, name + ".dll");
      if (!File.Exists(path)) {
        throw Invalid("Could not find the specified handler assembly with the file name '" + name
          + ", Culture=neutral, PublicKeyToken=null'. The assembly should be located in the root of "
          + "your uploaded .zip file.");
      }
      try {
        Platform.ResolveFrom(path);
        AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => {
          if (loaded.LoadedAssembly.GetName().Name == "Amazon.Lambda.Core") {
            FunctionLogger.TakeOver(loaded.LoadedAssembly);
          }
        };
        return Assembly.Load(new AssemblyName(name));
      } catch (Exception) {
        throw Invalid("Unable to load assembly '" + name + "'.");
      }
    }

    /// <summary>
    /// Of the class itself, or inherited. AWS's runtime takes a whole signature, too, but Lambda's
    /// API takes no handler with blanks.
    /// </summary>
    private static MethodInfo MethodOf(Type type, string name) {
      for (Type owner = type; owner != null; owner = owner.BaseType) {
        MethodInfo[] named = owner.GetMethods(Declared).Where(one => one.Name == name).ToArray();
        if (named.Length == 1) return named[0];
        if (named.Length == 0) continue;
        throw Invalid("The method '" + name + "' in type '" + owner.FullName + "' appears to have "
          + "a number of overloads. To call this method please specify a complete method signature. "
          + "Possible candidates are:\n" + string.Join("\n", named.Select(one => one.ToString()))
          + ".");
      }
      return null;
    }

    private static void Validate(MethodInfo method) {
      const string Handlers = " Handler methods cannot be ";
      const string Please = " Please specify a ";
      if (method.IsAbstract) {
        throw Unusable(method, "is an abstract method." + Handlers + "abstract." + Please
          + "non-abstract handler method.");
      }
      if (method.IsGenericMethod) {
        throw Unusable(method, "is a generic method." + Handlers + "generic." + Please
          + "non-generic handler method.");
      }
      bool isAsync = method.IsDefined(typeof(AsyncStateMachineAttribute), false);
      if (isAsync && method.ReturnType == typeof(void)) {
        throw Unusable(method, "is an 'async void' method." + Handlers + "'async void'." + Please
          + "method that is not 'async void'.");
      }
      ParameterInfo last = method.GetParameters().LastOrDefault();
      if (last != null && last.IsDefined(typeof(ParamArrayAttribute), false)) {
        throw Unusable(method,
          "is a 'params' method." + Please + "method that does not use 'params'.");
      }
    }

    private static object Make(Type type, MethodInfo method) {
      if (type.IsGenericType) {
        throw Invalid("The type '" + type.FullName + "' cannot be used as a Lambda Handler type "
          + "because it is generic. Handler methods cannot be located in generic types. Please "
          + "specify a handler method in a non-generic type.");
      }
      if (method.IsStatic) {
        // Its initialiser belongs to the init.
        RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        return null;
      }
      if (type.IsAbstract) {
        throw Invalid("The instance method '" + method + "' cannot be used as a Lambda Handler "
          + "because its type '" + type.FullName + "' is abstract. Please either use a static "
          + "handler or specify a type that is not abstract.");
      }
      return Activator.CreateInstance(type);
    }

    private static LambdaValidationException Unusable(MethodInfo method, string why) {
      return Invalid("The method '" + method
        + "' cannot be used as a Lambda Handler because it " + why);
    }

    private static LambdaValidationException Invalid(string message) {
      return new LambdaValidationException(message);
    }
  }
}
