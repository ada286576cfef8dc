"""Gallery entries from pictures: :mod:`.entries` embeds them, :mod:`.picture_folder` lists a folder of persons."""
