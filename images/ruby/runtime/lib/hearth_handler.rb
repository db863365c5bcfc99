# Finds the function's handler, `file.method` or `file.Class.method`, and calls it as AWS does: with
# the keywords event and context, and with what it returns as JSON unless it is an IO.

require 'json'
require 'stringio'

module Hearth
  class Handler
    def initialize(text)
      parts = text.split('.')
      unless [2, 3].include?(parts.size)
        raise ArgumentError, "Invalid handler #{parts}, must be of form FILENAME.METHOD or " \
                             'FILENAME.CLASS.METHOD where FILENAME corresponds with an existing ' \
                             'Ruby source file FILENAME.rb, CLASS is an optional module/class ' \
                             'namespace and METHOD is a callable method. If using CLASS, METHOD ' \
                             'must be a class-level method.'
      end
      @file = parts.first
      @class = parts[1] if parts.size == 3
      @method = parts.last
    end

    def load
      require @file
    end

    # The answer's text. Whatever the function raises comes through.
    def call(event, context)
      target = @class ? Kernel.const_get(@class) : TOPLEVEL_BINDING.receiver
      result = target.send(@method, event: event, context: context)
      case result
      when StringIO, IO then result.read
      else result.to_json
      end
    end
  end
end
