"""When and where: landing, transformation, publishing and the commands around them. Holds no market knowledge."""
