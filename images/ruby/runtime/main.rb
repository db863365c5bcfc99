# What the bootstrap starts: hands over to the loop, which never returns.
require_relative 'lib/hearth_loop'
Hearth::Loop.new.run
